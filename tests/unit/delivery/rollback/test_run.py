import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from delivery.__main__ import main
from tests.support.checkout import Checkout
from tests.support.commands import StandIn
from tests.support.pulumi_command import PulumiCommand, step, update

VALUES = "infra/values.yaml"
SETTINGS: Mapping[str, Any] = {
    "config": {
        "todo-oke:valuesFile": VALUES,
        "todo-oke:imageSource": "build",
        "todo-oke:nodeCount": "2",
        "todo-oke:kafkaPassword": {"secure": "v1:encrypted"},
    },
    "encryptionsalt": "v1:salt",
}
RELEASE = step("update", "kubernetes:helm.sh/v3:Release", "todo-app")
OLD = {"frontendImage": f"ghcr.io/o/f@sha256:{'1a' * 32}", "backendImage": f"ghcr.io/o/b@sha256:{'1b' * 32}"}
NEW = {"frontendImage": f"ghcr.io/o/f@sha256:{'2a' * 32}", "backendImage": f"ghcr.io/o/b@sha256:{'2b' * 32}"}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    checkout = Checkout(tmp_path / "project", monkeypatch)
    Path("Pulumi.oke.yaml").write_text(yaml.safe_dump(dict(SETTINGS)))
    return checkout


@pytest.fixture
def commits(checkout: Checkout) -> list[str]:
    """Three commits, each with other chart values; the second and third touch the backend."""
    return [
        checkout.commit({VALUES: "replicas: 1\n", "frontend/page": "1", "backend/app": "1"}),
        checkout.commit({VALUES: "replicas: 2\n", "backend/app": "2"}),
        checkout.commit({VALUES: "replicas: 3\n", "backend/app": "3"}),
    ]


@pytest.fixture(autouse=True)
def crane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """A registry that has every image."""
    folder = tmp_path / "registry"
    folder.mkdir()
    crane = StandIn("crane", folder, monkeypatch)
    crane.does("echo '{}'")
    return crane


@pytest.fixture
def pulumi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PulumiCommand:
    """A stack that an update with no special step changes."""
    pulumi = PulumiCommand(tmp_path / "engine", monkeypatch)
    pulumi.has_secrets(kafkaPassword="today's")
    pulumi.previews(step("same", "pulumi:pulumi:Stack", "todo-oke-oke"), RELEASE)
    return pulumi


def pinned(commit: str, images: Mapping[str, str] = OLD, **settings: str) -> dict[str, Any]:
    return update(commit, imageSource="pinned", valuesFile=VALUES, **images, **settings)


def built(commit: str) -> dict[str, Any]:
    return update(commit, imageSource="build", imageRegistry="ghcr.io/o", valuesFile=VALUES)


def applied(pulumi: PulumiCommand) -> Mapping[str, Any]:
    """The settings with which the update was previewed, and so made."""
    return yaml.safe_load((pulumi.seen / "Pulumi.oke.yaml").read_text())["config"]


def test_the_last_good_update_is_released_again_with_the_settings_of_today(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))
    before = Path("Pulumi.oke.yaml").read_text()

    assert main(["rollback", "--yes"]) == 0

    values = f".local/rollback/{commits[0]}/{VALUES}"
    assert yaml.safe_load((pulumi.seen / "Pulumi.oke.yaml").read_text()) == {
        "config": {
            **SETTINGS["config"],
            "todo-oke:imageSource": "pinned",
            "todo-oke:imageScan": "",
            "todo-oke:valuesFile": values,
        }
        | {f"todo-oke:{key}": value for key, value in OLD.items()},
        "encryptionsalt": "v1:salt",
    }
    assert (pulumi.seen / commits[0] / VALUES).read_text() == "replicas: 1\n"
    assert pulumi.updated == [
        f"up --config-file {Path.cwd()}/.local/rollback/Pulumi.oke.yaml --message roll back to update 1 "
        f"(commit {commits[0][:7]}) from update 2 --stack oke --yes --skip-preview --non-interactive"
    ]
    assert capsys.readouterr().out.splitlines() == [
        "back to update 1 of stack oke from update 2",
        "note  update 1 of 2025-11-24 02:31 succeeded and was never verified: Lists can be shared",
        f"ok    commit {commits[0][:7]} is in this checkout, and {VALUES} in it",
        f"ok    frontend {OLD['frontendImage']}",
        f"ok    backend {OLD['backendImage']}",
        "n/a   the backend of update 1 has no migrations in backend/migrations/versions",
        "note  kafkaPassword stays as it is today; what it was then cannot be decrypted",
        "ok    the preview deletes and replaces nothing that is to stay",
        "      update kubernetes:helm.sh/v3:Release::todo-app",
    ]
    assert Path("Pulumi.oke.yaml").read_text() == before
    assert not Path(".local/rollback").exists()


def test_a_version_is_gone_back_to_and_may_be_a_later_one(commits: list[str], pulumi: PulumiCommand) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW), pinned(commits[2]))

    assert main(["rollback", "--yes", "--to", "2"]) == 0

    assert applied(pulumi)["todo-oke:backendImage"] == NEW["backendImage"]
    assert f"roll back to update 2 (commit {commits[1][:7]}) from update 3" in pulumi.updated[0]


@pytest.mark.parametrize(
    ("verified", "to", "why"),
    [
        ("", 2, "the last that succeeded, though a failed one and a refresh came after it"),
        ("1", 1, "the last that was proven good"),
        ("5 1", 1, "the current one is not before itself"),
    ],
)
def test_which_update_is_the_last_good_one(
    commits: list[str], pulumi: PulumiCommand, verified: str, to: int, why: str
) -> None:
    failed, refresh = {**pinned(commits[2]), "result": "failed"}, {**pinned(commits[2]), "kind": "refresh"}
    pulumi.made(pinned(commits[0]), pinned(commits[1]), failed, refresh, pinned(commits[2]))
    pulumi.tagged(verified)

    assert main(["rollback", "--yes"]) == 0

    assert f"roll back to update {to} " in pulumi.updated[0], why


def test_an_update_that_was_rolled_back_is_no_good_one(commits: list[str], pulumi: PulumiCommand) -> None:
    rollback = {**pinned(commits[2]), "message": f"roll back to update 1 (commit {commits[0][:7]}) from update 2"}
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW), rollback)

    assert main(["rollback", "--yes"]) == 0

    assert "roll back to update 1 " in pulumi.updated[0]


def test_an_update_that_a_failed_rollback_did_not_leave_is_good(commits: list[str], pulumi: PulumiCommand) -> None:
    failed = {**pinned(commits[2]), "message": f"roll back to update 1 (commit {commits[0][:7]}) from update 2"}
    failed["result"] = "failed"
    pulumi.made(pinned(commits[0]), pinned(commits[1]), failed, pinned(commits[2]))

    main(["rollback", "--yes"])

    assert "roll back to update 2 " in pulumi.updated[0]


def test_a_rollback_can_be_gone_back_to_with_the_values_that_it_had(commits: list[str], pulumi: PulumiCommand) -> None:
    values = f".local/rollback/{commits[0]}/{VALUES}"
    pulumi.made(update(commits[1], imageSource="pinned", valuesFile=values, **OLD), pinned(commits[2], NEW))

    assert main(["rollback", "--yes"]) == 0

    assert applied(pulumi)["todo-oke:valuesFile"] == values
    assert (pulumi.seen / commits[0] / VALUES).read_text() == "replicas: 1\n"


def test_the_project_may_be_a_folder_of_the_checkout(
    checkout: Checkout, pulumi: PulumiCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = checkout.commit(
        {f"deploy/{VALUES}": "replicas: 7\n", "deploy/Pulumi.oke.yaml": yaml.safe_dump(dict(SETTINGS))}
    )
    monkeypatch.chdir("deploy")
    pulumi.made(pinned(commit), pinned(commit, NEW))

    assert main(["rollback", "--yes"]) == 0

    assert (pulumi.seen / commit / VALUES).read_text() == "replicas: 7\n"


def test_pulumi_cloud_tells_which_digests_were_built(commits: list[str], pulumi: PulumiCommand) -> None:
    pulumi.made({**built(commits[0]), "version": 41}, {**built(commits[1]), "version": 42})
    pulumi.exports(41, {"images": {"frontend": OLD["frontendImage"], "backend": OLD["backendImage"]}})

    assert main(["rollback", "--yes"]) == 0

    assert applied(pulumi)["todo-oke:imageSource"] == "pinned"
    assert applied(pulumi)["todo-oke:frontendImage"] == OLD["frontendImage"]
    assert applied(pulumi)["todo-oke:backendImage"] == OLD["backendImage"]
    assert "roll back to update 41 " in pulumi.updated[0]


def test_where_the_state_is_in_a_bucket_built_images_are_found_by_their_commits(
    commits: list[str], pulumi: PulumiCommand, crane: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(built(commits[1]), built(commits[2]))

    assert main(["rollback", "--yes"]) == 0

    frontend, backend = f"ghcr.io/o/todo-frontend:sha-{commits[0][:7]}", f"ghcr.io/o/todo-backend:sha-{commits[1][:7]}"
    assert applied(pulumi)["todo-oke:imageSource"] == "registry"
    assert applied(pulumi)["todo-oke:frontendImage"] == frontend
    assert applied(pulumi)["todo-oke:backendImage"] == backend
    assert f"note  backend {backend}, a tag: the image that it names today\n" in capsys.readouterr().out
    assert ["manifest", backend] in crane.calls


@pytest.mark.parametrize(("tag", "source"), [("v1", "registry"), (f"v1@sha256:{'1a' * 32}", "pinned")])
def test_images_of_the_registry_are_looked_up_unless_digests_name_them(
    commits: list[str], pulumi: PulumiCommand, tag: str, source: str
) -> None:
    images = {"frontendImage": f"r.example/f:{tag}", "backendImage": OLD["backendImage"]}
    pulumi.made(update(commits[0], imageSource="registry", valuesFile=VALUES, **images), built(commits[1]))

    assert main(["rollback", "--yes"]) == 0

    assert applied(pulumi)["todo-oke:imageSource"] == source
    assert applied(pulumi)["todo-oke:frontendImage"] == images["frontendImage"]


def test_a_preview_changes_nothing(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))

    assert main(["rollback", "--preview"]) == 0

    assert pulumi.updated == []
    assert capsys.readouterr().out.endswith("      update kubernetes:helm.sh/v3:Release::todo-app\n")
    assert not Path(".local/rollback").exists()


def test_what_runs_already_is_not_released_again(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(pinned(commits[0]), {**pinned(commits[1], NEW), "result": "failed"})
    pulumi.previews(step("same", "pulumi:pulumi:Stack", "s"), step("read", "kubernetes:core/v1:Service", "s"))

    assert main(["rollback", "--yes"]) == 0

    assert pulumi.updated == []
    told = capsys.readouterr().out
    assert "\nnote  update 2 failed, and a release that fails takes itself back\n" in told
    assert told.endswith("Nothing to change: what runs is that of update 1.\n")


def test_nobody_is_asked_where_there_is_no_terminal(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))

    assert main(["rollback"]) == 1
    assert "--yes   to apply it" in capsys.readouterr().err
    assert pulumi.calls == []

    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    assert main(["rollback"]) == 0
    assert pulumi.updated[0].endswith("--stack oke")  # the engine asks


@pytest.mark.parametrize("operation", ["delete", "replace", "create-replacement", "delete-replaced", "discard"])
def test_a_rollback_that_would_end_more_than_the_app_is_refused(
    commits: list[str], pulumi: PulumiCommand, operation: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))
    pulumi.previews(RELEASE, step(operation, "kubernetes:core/v1:Namespace", "todo"))

    assert main(["rollback", "--yes"]) == 1

    assert pulumi.updated == []
    told = capsys.readouterr().err
    assert "The preview deletes or replaces what a rollback must not, and nothing was changed" in told
    assert f"    {operation} kubernetes:core/v1:Namespace::todo\n" in told
    assert "Release::todo-app" not in told


def test_an_image_may_leave_the_state_because_it_stays_in_the_registry(
    commits: list[str], pulumi: PulumiCommand
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))
    image = "docker-build:index:Image"
    pulumi.previews(RELEASE, step("delete", image, "todo-frontend"), step("delete", "pulumi:providers:docker", "d"))
    assert main(["rollback", "--yes"]) == 0

    pulumi.previews(RELEASE, step("delete", image, "todo-frontend", protect=True))
    assert main(["rollback", "--yes"]) == 1

    assert len(pulumi.updated) == 1


def test_a_preview_that_fails_is_told_with_the_programs_own_errors(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))
    pulumi.fails_to_preview("error: values that do not fit the chart\n")

    assert main(["rollback", "--yes"]) == 1

    told = capsys.readouterr().err
    assert told == "error: There is no preview, and nothing was changed:\nerror: values that do not fit the chart\n"
    assert pulumi.updated == []
    assert not Path(".local/rollback").exists()


def test_an_update_that_fails_fails_the_command(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))
    pulumi.exits("updating", 1)

    assert main(["rollback", "--yes"]) == 1

    assert "The update did not succeed" in capsys.readouterr().err
    assert not Path(".local/rollback").exists()


def unreachable() -> Mapping[str, tuple[dict[str, Any], str]]:
    """Updates that one cannot go back to: each, and what is told of it; COMMIT stands for one that is there."""
    nowhere = "5e" * 20
    return {
        "failed": ({**pinned("COMMIT"), "result": "failed"}, "it failed"),
        "unfinished": ({**pinned("COMMIT"), "result": "in-progress"}, "it is in-progress"),
        "no checkout": (pinned(""), "it was made outside of a git checkout"),
        "no commit": (pinned(nowhere), "its commit 5e5e5e5 is not in this checkout.\n    git fetch --unshallow"),
        "no values": (
            update("COMMIT", imageSource="pinned", valuesFile="elsewhere.yaml", **OLD),
            "its chart values elsewhere.yaml are not in its commit ",
        ),
        "no setting": (update("COMMIT", imageSource="pinned", **OLD), "its chart values  are not in its commit "),
    }


@pytest.mark.parametrize("why", unreachable())
def test_there_is_no_way_back_to_what_is_not_known_whole(
    commits: list[str], pulumi: PulumiCommand, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target, told = unreachable()[why]
    pulumi.made(json.loads(json.dumps(target).replace("COMMIT", commits[0])), pinned(commits[1]))

    assert main(["rollback", "--yes", "--to", "1"]) == 1

    error = capsys.readouterr().err
    assert f"There is no way back to update 1: {told}" in error
    assert "\n    " in error
    assert not any(call.startswith(("up", "preview")) for call in pulumi.calls)


@pytest.mark.parametrize(
    ("made", "to", "told"),
    [
        (0, "", "Stack oke was never brought up"),
        (1, "", "Stack oke has no earlier update that was good"),
        (2, "--to=3", "Stack oke has no update 3"),
        (2, "--to=-1", "Stack oke has no update -1"),
    ],
)
def test_an_update_that_is_not_there(
    pulumi: PulumiCommand, made: int, to: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(*[pinned("1c" * 20)] * made)

    assert main(["rollback", "--yes", *filter(None, [to])]) == 1

    assert told in capsys.readouterr().err
    assert not any(call.startswith(("up", "preview")) for call in pulumi.calls)


def test_an_unclean_checkout_is_told(
    commits: list[str], pulumi: PulumiCommand, capsys: pytest.CaptureFixture[str]
) -> None:
    unclean = pinned(commits[0])
    unclean["environment"]["git.dirty"] = "true"
    pulumi.made(unclean, pinned(commits[1], NEW))
    pulumi.tagged("1")

    assert main(["rollback", "--preview"]) == 0

    told = capsys.readouterr().out
    assert "note  update 1 was made with files that no commit has" in told
    assert "ok    update 1 of 2025-11-24 02:31 succeeded and was verified" in told


@pytest.mark.parametrize(("text", "told"), [(None, "There is no Pulumi.oke.yaml here"), ("[", "is no file of a stack")])
def test_without_settings_there_is_no_rollback(
    commits: list[str], pulumi: PulumiCommand, text: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))
    Path("Pulumi.oke.yaml").unlink()
    if text:
        Path("Pulumi.oke.yaml").write_text(text)

    assert main(["rollback", "--yes"]) == 1

    assert told in capsys.readouterr().err
    assert pulumi.updated == []


def test_another_stack_has_its_own_settings(commits: list[str], pulumi: PulumiCommand) -> None:
    Path("Pulumi.oke.yaml").rename("Pulumi.staging.yaml")
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW))

    assert main(["rollback", "--yes", "--stack", "owner/todo-oke/staging"]) == 0

    assert (pulumi.seen / "Pulumi.staging.yaml").exists()
    assert all("--stack owner/todo-oke/staging" in call for call in pulumi.calls)
