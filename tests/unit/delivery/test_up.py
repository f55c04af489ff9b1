"""`delivery up`: what it says and does for each way in which an update can end. The rollback itself is a stand-in."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import pytest

from delivery.__main__ import main
from delivery.verify.run import verify_stack
from system.errors import UserError
from tests.support.pulumi_command import update
from tests.support.running_app import FAST, PODS, RunningApp, deployments, pod

Tell = Callable[[str], None]


class Engine:
    """What `pulumi up` and a rollback do to the history and to the app."""

    def __init__(self, app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> None:
        self.app, self.made = app, [update("")]
        self.ups: list[tuple[str, ...]] = []
        self.rollbacks: list[tuple[object, ...]] = []
        self.up: Callable[[], None] = lambda: self.adds("succeeded")
        self.rollback: Callable[[], None] = lambda: self.adds("succeeded")
        monkeypatch.setattr("delivery.engine.stack.up", self._up)
        monkeypatch.setattr("delivery.up.verify_stack", partial(verify_stack, pacing=FAST))
        monkeypatch.setattr("delivery.up.roll_back", self._roll_back)

    def adds(self, result: str) -> None:
        self.made.append({**update(""), "result": result})
        self.app.pulumi.made(*self.made)
        if result == "failed":
            raise UserError("The update did not succeed; above is what the engine says of it.")

    def heals(self) -> None:
        self.app.runs(deployments(), pod())
        self.adds("succeeded")

    def breaks(self, result: str = "succeeded") -> None:
        self.app.runs(deployments(readyReplicas=0), pod())
        self.adds(result)

    def _up(self, name: str, config_file: object, *options: str) -> None:
        self.ups.append((name, str(config_file), *options))
        self.up()

    def _roll_back(self, name: str, to: object, how: str, tell: Tell) -> None:
        self.rollbacks.append((name, to, how))
        tell("ok    the preview deletes and replaces nothing")
        self.rollback()


@pytest.fixture
def engine_of_app(app: RunningApp, monkeypatch: pytest.MonkeyPatch) -> Engine:
    app.promises(verifyTimeoutSeconds=0)
    app.pulumi.tagged("1")
    return Engine(app, monkeypatch)


def run(capsys: pytest.CaptureFixture[str], code: int) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["up", "--stack", "owner/oke", "--yes"]) == code
    told = capsys.readouterr()
    return told.out, told.err[told.err.find("error: ") :]


def test_a_clock_that_is_behind_is_told_before_anything_is_updated(
    engine_of_app: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    later = {**update(""), "startTime": "2999-11-24T02:31:41.000Z"}
    engine_of_app.app.pulumi.made(later)

    _, error = run(capsys, 1)

    assert error.startswith("error: This machine's clock is behind: here it is 2")
    assert "the last update began at 2999-11-24 02:31.\n    date -u" in error
    assert engine_of_app.ups == []

    engine_of_app.app.pulumi.made({**later, "version": 7})  # Pulumi Cloud has a clock of its own
    main(["up", "--stack", "owner/oke", "--yes"])
    assert len(engine_of_app.ups) == 1


def test_an_update_that_is_good_is_verified(engine_of_app: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = run(capsys, 0)

    assert "ok     rollout of backend" in out
    assert out.endswith("\nUpdate 2 of stack owner/oke succeeded, and is verified.\n")
    assert engine_of_app.ups == [("owner/oke", "Pulumi.oke.yaml", "", "--yes", "--non-interactive")]
    assert engine_of_app.app.pulumi.verified == "2 1"
    assert engine_of_app.rollbacks == []


def test_an_update_that_does_not_verify_is_rolled_back_and_both_results_are_told(
    engine_of_app: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine_of_app.up, engine_of_app.rollback = engine_of_app.breaks, engine_of_app.heals

    out, error = run(capsys, 1)

    assert engine_of_app.rollbacks == [("owner/oke", "verified", "yes")]
    assert "FAILED rollout of backend" in out.partition("back to the last update that did.")[0]
    assert "ok     rollout of backend" in out.partition("back to the last update that did.")[2]
    assert error == (
        "error: Update 2 of stack owner/oke succeeded, and did not verify: "
        "2 of 9 checks failed: rollout of frontend, rollout of backend\n"
        "Rolled back by update 3, which is verified.\n"
        "    python -m delivery up --stack owner/oke   once it is mended; until then the app is the earlier one\n"
    )
    assert engine_of_app.app.pulumi.verified == "3 1"


def test_a_rollback_that_does_not_verify_either_is_told(
    engine_of_app: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine_of_app.up = engine_of_app.breaks

    error = run(capsys, 1)[1]

    assert "Rolled back by update 3, which does not verify either: 2 of 9 checks failed" in error
    assert "python -m delivery history --stack owner/oke" in error


def test_a_rollback_that_is_refused_is_told(engine_of_app: Engine, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise UserError("There is no way back to update 1: its images are gone.")

    engine_of_app.up, engine_of_app.rollback = engine_of_app.breaks, refuse

    error = run(capsys, 1)[1]
    assert "did not verify: 2 of 9 checks failed" in error
    assert "It was not rolled back: There is no way back to update 1: its images are gone.\n" in error


@pytest.mark.parametrize("verified", ["", "2"])
def test_where_nothing_was_ever_verified_all_is_left_as_it_is(
    engine_of_app: Engine, verified: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine_of_app.up = engine_of_app.breaks
    engine_of_app.app.pulumi.tagged(verified)

    error = run(capsys, 1)[1]

    assert "No update of stack owner/oke was verified before, so there is none to go back to: all is left" in error
    assert engine_of_app.rollbacks == []


def test_a_cluster_that_does_not_answer_takes_nothing_back(
    engine_of_app: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    def lose() -> None:
        engine_of_app.app.server.refuses(PODS, HTTPStatus.SERVICE_UNAVAILABLE, "the server is away")
        engine_of_app.adds("succeeded")

    engine_of_app.up = lose

    out, error = run(capsys, 3)

    assert "not verified: The cluster is unreachable: the server is away" in out
    assert error == (
        "error: Update 2 succeeded, and could not be verified; nothing was taken back.\n"
        "    python -m delivery verify --stack owner/oke\n"
    )
    assert engine_of_app.rollbacks == []


@pytest.mark.parametrize(("verified", "trust"), [("1", ""), ("", ", which was never verified,")])
def test_after_an_update_that_failed_the_app_is_looked_at_and_never_touched(
    engine_of_app: Engine, verified: str, trust: str, capsys: pytest.CaptureFixture[str]
) -> None:
    engine_of_app.up = lambda: engine_of_app.adds("failed")
    engine_of_app.app.pulumi.tagged(verified)

    out, error = run(capsys, 1)

    assert "ok     rollout of backend" in out
    assert error == (
        "error: Update 2 of stack owner/oke failed; above is what the engine says of it.\n"
        f"The app still runs as update 1{trust} promised: the release took itself back.\n"
        "    python -m delivery up --stack owner/oke   once it is mended\n"
    )
    assert engine_of_app.rollbacks == []
    assert engine_of_app.app.pulumi.verified == verified


def test_an_update_that_failed_and_left_the_app_broken_says_so(
    engine_of_app: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine_of_app.up = lambda: engine_of_app.breaks("failed")

    error = run(capsys, 1)[1]

    assert "The app does not run as before: 2 of 9 checks failed" in error
    assert "    python -m delivery rollback --stack owner/oke" in error
    assert engine_of_app.rollbacks == []


def test_the_first_update_that_fails_leaves_nothing_to_look_at(
    engine_of_app: Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    engine_of_app.made.clear()
    engine_of_app.app.pulumi.made()
    engine_of_app.app.pulumi.has_outputs({})
    engine_of_app.up = lambda: engine_of_app.adds("failed")

    error = run(capsys, 1)[1]
    assert "Update 1 of stack owner/oke failed" in error
    assert "Whether the app runs as before is not known: The stack has no output 'namespace'" in error


@pytest.mark.parametrize("before", [0, 1])
def test_an_update_that_did_not_begin_is_no_failed_update(
    engine_of_app: Engine, before: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def decline() -> None:
        raise UserError("The update did not succeed; above is what the engine says of it.")

    engine_of_app.app.pulumi.made(*[update("")] * before)
    engine_of_app.up = decline

    out, error = run(capsys, 1)

    assert out == ""
    assert error == (
        "error: The engine recorded no update; above is what it says of it.\n"
        "    python -m delivery recover --stack owner/oke   where it was cut off half-way\n"
    )


def test_without_anybody_to_ask_it_needs_to_be_told(
    engine_of_app: Engine, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["up", "--stack", "oke"]) == 1
    assert "error: There is nobody here to ask.\n    --yes " in capsys.readouterr().err
    assert engine_of_app.ups == []

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert main(["up", "--stack", "oke"]) == 0
    assert engine_of_app.ups == [("oke", "Pulumi.oke.yaml", "")]
