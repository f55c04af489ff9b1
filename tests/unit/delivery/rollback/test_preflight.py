from collections.abc import Iterator
from pathlib import Path

import pytest

from delivery.rollback import migrations
from tests.support.checkout import Checkout
from tests.support.image_registry import ImageRegistry
from tests.support.pulumi_command import PulumiCommand
from tests.support.rollbacks import TAGS, VALUES, Rollback, pinned

BEFORE = f"{migrations.FOLDER}/0001.py"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ImageRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with ImageRegistry.serve(folder) as served:
        yield served


def test_deleted_image_prevents_the_rollback(
    commits: list[str], pulumi: PulumiCommand, registry: ImageRegistry, roll_back: Rollback
) -> None:
    frontend, backend = registry.push("frontend", "1"), registry.push("backend", "1")
    pulumi.made(pinned(commits[0], {"frontendImage": frontend, "backendImage": backend}), pinned(commits[0], TAGS))
    assert f"ok    backend {backend}\n" in roll_back()

    registry.delete(backend)
    printed = roll_back(code=1)

    assert f"ok    frontend {frontend}\n" in printed
    assert printed.endswith(f"\nhint: crane manifest {backend}\n")
    assert len(pulumi.updated) == 1


@pytest.mark.parametrize(
    ("image", "is_checked"),
    [(f"127.0.0.1:1/o/b@sha256:{'1b' * 32}", True), ("127.0.0.1:1/o/b:v1", False)],
    ids=["digest in an unreachable registry", "pinned tag"],
)
def test_unknown_image_is_a_note(
    commits: list[str], pulumi: PulumiCommand, roll_back: Rollback, image: str, is_checked: object
) -> None:
    pulumi.made(pinned(commits[0], {"frontendImage": image, "backendImage": image}), pinned(commits[0], TAGS))

    printed = roll_back()

    assert f"note  backend {image}" in printed
    assert ("could not check the registry" in printed) == is_checked
    assert len(pulumi.updated) == 1


def test_every_later_migration_must_be_compatible(
    checkout: Checkout, pulumi: PulumiCommand, roll_back: Rollback
) -> None:
    before = checkout.commit({VALUES: "", BEFORE: "def upgrade(): ..."})
    good = checkout.commit({f"{migrations.FOLDER}/0002.py": 'def upgrade():\n    op.create_table("b")\n'})
    bad = checkout.commit({f"{migrations.FOLDER}/0003.py": 'def upgrade():\n    op.drop_table("todos")\n'})
    made = [pinned(commit, TAGS) for commit in (before, good, bad)]

    pulumi.made(*made[:2])
    assert "with its backend: 0002.py\n" in roll_back("--preview", "--to", "1")
    assert "with its backend: none\n" in roll_back("--preview", "--to", "2")

    # The migrations that ran are those of the released backend, which a rollback names in the path of its values.
    never_released = pinned(bad, TAGS, valuesFile=f".local/rollback/{before}/{VALUES}")
    pulumi.made(*made[:2], never_released)
    roll_back("--preview", "--to", "2")

    pulumi.made(*made, pinned(bad, TAGS, valuesFile=f".local/rollback/{good}/{VALUES}"))
    printed = roll_back("--to", "2", code=1)

    assert f"{migrations.FOLDER}/0003.py (op.drop_table('todos'))" in printed
    assert pulumi.updated == []


def test_unreadable_migrations_are_notes(checkout: Checkout, pulumi: PulumiCommand, roll_back: Rollback) -> None:
    before = checkout.commit({VALUES: "", BEFORE: "def upgrade(): ..."})
    after = checkout.commit({f"{migrations.FOLDER}/0002.py": "def upgrade():\n    op.execute(statement())\n"})
    pulumi.made(*(pinned(commit, TAGS) for commit in (before, "5e" * 20, after)))

    notes = [line for line in roll_back("--to", "1").splitlines() if line.startswith("note  could not check")]

    assert len(notes) == 2
    assert "5e5e5e5" in notes[0]
    assert f"{migrations.FOLDER}/0002.py" in notes[1]


@pytest.mark.parametrize(("verified", "mark"), [("1", "ok    update 1"), ("", "note  update 1")])
def test_trust_in_the_target_is_shown(
    commits: list[str], pulumi: PulumiCommand, roll_back: Rollback, verified: str, mark: str
) -> None:
    dirty = pinned(commits[0], TAGS)
    dirty["environment"]["git.dirty"] = "true"
    pulumi.made(dirty, pinned(commits[1], TAGS))
    pulumi.tagged(verified)

    printed = roll_back("--preview")

    assert f"\n{mark} of 2025-11-24 02:31 succeeded and was" in printed
    assert "note  update 1 had uncommitted changes" in printed
