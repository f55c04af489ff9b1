import json
from typing import Any

import pytest

from delivery.history import past_release, updates
from delivery.history.past_release import CannotRollBackError, PastRelease
from tests.support.checkout import Checkout
from tests.support.pulumi_command import PulumiCommand, update
from tests.support.rollbacks import OLD, VALUES, built, pinned

MISSING = "5e" * 20
HISTORY = "python -m delivery history --stack oke"


@pytest.fixture
def commits(checkout: Checkout) -> list[str]:
    """The second commit touches the backend only."""
    return [
        checkout.commit({VALUES: "replicas: 1\n", "frontend/page": "1", "backend/app": "1"}),
        checkout.commit({VALUES: "replicas: 2\n", "backend/app": "2"}),
    ]


def find(pulumi: PulumiCommand, made: dict[str, Any]) -> PastRelease:
    pulumi.made(made)
    return past_release.find("oke", updates.read("oke")[0])


def test_images_of_a_build_come_from_the_outputs_in_pulumi_cloud(commits: list[str], pulumi: PulumiCommand) -> None:
    images = {"frontend": OLD["frontendImage"], "backend": OLD["backendImage"]}
    pulumi.exports(41, {"images": images})

    release = find(pulumi, {**built(commits[0]), "version": 41})

    assert (release.source, release.images) == ("pinned", images)


def test_images_of_a_build_come_from_its_commits_elsewhere(commits: list[str], pulumi: PulumiCommand) -> None:
    release = find(pulumi, built(commits[1]))

    assert release.source == "registry"
    assert release.images == {
        "frontend": f"ghcr.io/o/todo-frontend:sha-{commits[0][:7]}",
        "backend": f"ghcr.io/o/todo-backend:sha-{commits[1][:7]}",
    }


@pytest.mark.parametrize(("tag", "source"), [("v1", "registry"), (f"v1@sha256:{'1a' * 32}", "pinned")])
def test_images_of_the_registry_are_pinned_by_their_digests(
    commits: list[str], pulumi: PulumiCommand, tag: str, source: str
) -> None:
    images = {**OLD, "frontendImage": f"r.example/f:{tag}"}

    release = find(pulumi, update(commits[0], imageSource="registry", valuesFile=VALUES, **images))

    assert (release.source, release.images["frontend"]) == (source, images["frontendImage"])


def test_values_of_a_rollback_come_from_the_recorded_commit(commits: list[str], pulumi: PulumiCommand) -> None:
    path = f".local/rollback/{commits[0]}/{VALUES}"

    release = find(pulumi, pinned(commits[1], valuesFile=path))

    assert (release.values, str(release.values_file)) == ("replicas: 1\n", path)


@pytest.mark.parametrize(
    ("made", "hint"),
    [
        pytest.param({**pinned("COMMIT"), "result": "failed"}, HISTORY, id="failed"),
        pytest.param({**built("COMMIT"), "kind": "refresh"}, HISTORY, id="refresh"),
        pytest.param(pinned("COMMIT", valuesFile="no.yaml"), HISTORY, id="no values"),
        pytest.param(pinned("COMMIT", valuesFile=""), HISTORY, id="no valuesFile"),
        pytest.param(pinned(""), None, id="no checkout"),
        pytest.param(pinned(MISSING), f"git fetch origin {MISSING}", id="no commit"),
    ],
)
def test_incomplete_update_cannot_be_rolled_back_to(
    commits: list[str], pulumi: PulumiCommand, made: dict[str, Any], hint: str | None
) -> None:
    with pytest.raises(CannotRollBackError) as error:
        find(pulumi, json.loads(json.dumps(made).replace("COMMIT", commits[0])))

    assert error.value.hint == hint
