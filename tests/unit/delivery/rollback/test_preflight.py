"""What a rollback proves before its preview, and where it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from delivery.__main__ import main
from delivery.rollback import migrations, plan
from tests.support.checkout import Checkout
from tests.support.image_registry import ImageRegistry
from tests.support.pulumi_command import PulumiCommand, step, update, with_secrets

VALUES = "values.yaml"
CANARY = "canary-password"
PINNED = {"imageSource": "pinned", "valuesFile": VALUES}
TAGS = {"frontendImage": "r.example/f:v1", "backendImage": "r.example/b:v1"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    checkout = Checkout(tmp_path / "project", monkeypatch)
    config = {"todo-oke:nodeCount": "2", "todo-oke:kafkaPassword": {"secure": "v1:today"}}
    Path("Pulumi.oke.yaml").write_text(yaml.safe_dump({"config": config}))
    return checkout


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    pulumi = PulumiCommand(tmp_path / "engine", monkeypatch)
    pulumi.previews(step("update", "kubernetes:helm.sh/v3:Release", "todo-app"))
    return pulumi


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ImageRegistry]:
    folder = tmp_path / "registry"
    folder.mkdir()
    with ImageRegistry.serve(folder) as served:
        yield served


def test_an_image_that_the_registry_has_no_more_is_no_way_back(
    checkout: Checkout, pulumi: PulumiCommand, registry: ImageRegistry, capsys: pytest.CaptureFixture[str]
) -> None:
    commit = checkout.commit({VALUES: ""})
    frontend, backend = registry.push("frontend", "1"), registry.push("backend", "1")
    pulumi.made(
        update(commit, **PINNED, frontendImage=frontend, backendImage=backend), update(commit, **PINNED, **TAGS)
    )
    assert main(["rollback", "--yes"]) == 0
    assert f"ok    backend {backend}\n" in capsys.readouterr().out

    registry.delete(backend)
    assert main(["rollback", "--yes"]) == 1

    told = capsys.readouterr()
    assert f"ok    frontend {frontend}\n" in told.out
    assert "There is no way back to update 1: its image of the backend is not in the registry any more" in told.err
    assert f"\n    crane manifest {backend}   asks for it\n" in told.err
    assert len(pulumi.updated) == 1


def test_a_registry_that_is_down_is_told_and_stops_no_rollback(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    commit, image = checkout.commit({VALUES: ""}), f"127.0.0.1:1/o/b@sha256:{'1b' * 32}"
    pulumi.made(update(commit, **PINNED, frontendImage=image, backendImage=image), update(commit, **PINNED, **TAGS))

    assert main(["rollback", "--yes"]) == 0

    told = capsys.readouterr().out
    assert f"note  backend {image}\n      the registry did not tell whether it is there: Get " in told
    assert "connection refused" in told
    assert len(pulumi.updated) == 1


def test_a_pinned_tag_is_taken_as_it_is(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(*[update(checkout.commit({VALUES: ""}), **PINNED, **TAGS)] * 2)

    assert main(["rollback", "--yes"]) == 0

    told = capsys.readouterr().out
    assert "note  backend r.example/b:v1, a tag: the image that it names today\n" in told
    assert "did not tell" not in told


def test_a_migration_that_the_earlier_backend_cannot_live_with_is_no_way_back(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever was released since: the database has been through all of them, and through no other."""
    before = checkout.commit({VALUES: "", f"{migrations.FOLDER}/0001.py": "def upgrade(): ..."})
    good = checkout.commit({f"{migrations.FOLDER}/0002.py": 'def upgrade():\n    op.create_table("b")\n'})
    bad = checkout.commit({f"{migrations.FOLDER}/0003.py": 'def upgrade():\n    op.drop_table("todos")\n'})
    made = [update(commit, **PINNED, **TAGS) for commit in (before, good, bad)]
    back_to_2 = update(bad, **{**PINNED, "valuesFile": f".local/rollback/{good}/{VALUES}"}, **TAGS)

    pulumi.made(*made[:2])
    assert main(["rollback", "--preview", "--to", "1"]) == 0
    assert "ok    migrations since then that its backend can live with: 0002.py\n" in capsys.readouterr().out
    assert main(["rollback", "--preview", "--to", "2"]) == 0
    assert "ok    migrations since then that its backend can live with: none\n" in capsys.readouterr().out

    never_released = update(bad, **{**PINNED, "valuesFile": f".local/rollback/{before}/{VALUES}"}, **TAGS)
    pulumi.made(*made[:2], never_released)
    assert main(["rollback", "--preview", "--to", "2"]) == 0

    pulumi.made(*made, back_to_2)
    assert main(["rollback", "--yes", "--to", "2"]) == 1

    error = capsys.readouterr().err
    assert "There is no way back to update 2: its backend cannot live with what the database went through" in error
    assert f"\n    {migrations.FOLDER}/0003.py: op.drop_table('todos')\n" in error
    assert pulumi.updated == []


def test_migrations_that_nobody_can_read_are_told(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    before = checkout.commit({VALUES: "", f"{migrations.FOLDER}/0001.py": "def upgrade(): ..."})
    after = checkout.commit({f"{migrations.FOLDER}/0002.py": "def upgrade():\n    op.execute(statement())\n"})
    pulumi.made(*(update(commit, **PINNED, **TAGS) for commit in (before, "5e" * 20, after)))

    assert main(["rollback", "--yes", "--to", "1"]) == 0

    told = capsys.readouterr().out
    assert "note  migrations of commits that are not in this checkout were not read: 5e5e5e5\n" in told
    assert f"note  {migrations.FOLDER}/0002.py does not tell whether the earlier backend can live with it: op" in told


def test_secrets_stay_as_they_are_and_those_that_were_changed_are_told(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    made = update(checkout.commit({VALUES: ""}), **PINNED, **TAGS)
    then = with_secrets(made, kafkaPassword=CANARY, cohereApiKey="same", databaseUrl="only then")
    pulumi.made(then, made)
    pulumi.has_secrets(kafkaPassword=f"{CANARY}-2", cohereApiKey="same", registryToken="new")

    assert main(["rollback", "--yes"]) == 0

    told = capsys.readouterr()
    assert [line for line in told.out.splitlines() if "since" in line] == [
        "note  kafkaPassword was changed since, and stays as it is today",
        "note  databaseUrl was changed since, and stays as it is today",
        "note  registryToken was set since then",
    ]
    assert CANARY not in told.out + told.err
    assert pulumi.secrets_set == []
    assert yaml.safe_load((pulumi.seen / "Pulumi.oke.yaml").read_text())["config"]["todo-oke:kafkaPassword"] == {
        "secure": "v1:today"
    }


def test_secrets_go_back_too_where_that_is_asked_for(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    made = update(checkout.commit({VALUES: ""}), **PINNED, **TAGS)
    then = with_secrets(made, kafkaPassword=CANARY, cohereApiKey="same", unheardOf="of an older program")
    pulumi.made(then, made)
    pulumi.has_secrets(kafkaPassword=f"{CANARY}-2", cohereApiKey="same")

    assert main(["rollback", "--yes", "--with-secrets"]) == 0

    told = capsys.readouterr()
    assert "note  kafkaPassword was changed since, and goes back to what update 1 had\n" in told.out
    assert pulumi.secrets_set == [f"kafkaPassword={CANARY}"]
    assert CANARY not in told.out + told.err + "".join(pulumi.calls)
    assert pulumi.updated[0].count("from update 2 with its secrets --stack") == 1


def test_the_message_of_each_kind_of_rollback_says_which_update_was_left(
    checkout: Checkout, pulumi: PulumiCommand
) -> None:
    """By it an update that was rolled back is known not to be good."""
    commit = checkout.commit({VALUES: ""})
    made = with_secrets(update(commit, **PINNED, **TAGS), kafkaPassword="any")
    for scope in ("app", "full"):
        for secrets in ("today", "then"):
            pulumi.made(made, made)
            back = plan.choose("oke", 1, plan.Extent(scope, secrets))
            pulumi.made(made, made, {**made, "message": back.message})
            assert plan.choose("oke", None, plan.Extent()).target.version == 1


def test_secrets_that_cannot_be_decrypted_do_not_go_back(
    checkout: Checkout, pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    made = update(checkout.commit({VALUES: ""}), **PINNED, **TAGS)
    pulumi.made(with_secrets(made, kafkaPassword="ERROR_UNABLE_TO_DECRYPT"), made)
    pulumi.has_secrets(kafkaPassword="today's")

    assert main(["rollback", "--yes", "--with-secrets"]) == 1

    assert "The secrets of update 1 cannot be decrypted: kafkaPassword.\n" in capsys.readouterr().err
    assert pulumi.updated == []


@pytest.mark.parametrize(("verified", "target"), [("1", 1), ("2 1", 2)])
def test_the_last_verified_update_can_be_asked_for(
    checkout: Checkout, pulumi: PulumiCommand, verified: str, target: int
) -> None:
    pulumi.made(*[update(checkout.commit({VALUES: ""}), **PINNED, **TAGS)] * 3)
    pulumi.tagged(verified)

    assert main(["rollback", "--yes", "--to", "verified"]) == 0

    assert f"roll back to update {target} " in pulumi.updated[0]


@pytest.mark.parametrize("verified", ["", "3"])
def test_without_a_verified_update_there_is_none_to_go_back_to(
    checkout: Checkout, pulumi: PulumiCommand, verified: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(*[update(checkout.commit({VALUES: ""}), **PINNED, **TAGS)] * 3)
    pulumi.tagged(verified)

    assert main(["rollback", "--yes", "--to", "verified"]) == 1

    assert "Stack oke has no earlier update that was verified.\n" in capsys.readouterr().err
    assert pulumi.updated == []
