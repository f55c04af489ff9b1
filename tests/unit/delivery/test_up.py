"""Every end of an update. The update and the rollback are stand-ins; the verification is real."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

import pytest

from delivery.__main__ import main
from delivery.up import Steps, bring_up
from delivery.verify.run import verify_stack
from system.errors import UserError
from tests.support.command_line import Delivery
from tests.support.pulumi_command import update
from tests.support.running_app import FAST, PODS, RunningApp, deployments, pod

NAME = "owner/oke"


class Engine:
    """A stack whose updates and rollbacks do what a test says; the first update is made and verified."""

    def __init__(self, app: RunningApp) -> None:
        self.app, self.made = app, [update("")]
        self.ups: list[tuple[str, ...]] = []
        self.rollbacks: list[tuple[object, ...]] = []
        self.printed: list[str] = []
        self.up: Callable[[], None] = self.adds
        self.rollback: Callable[[], None] = self.adds
        app.promises(verifyTimeoutSeconds=0)
        app.pulumi.tagged("1")

    def run(self) -> None:
        steps = Steps(self._up, partial(verify_stack, pacing=FAST), self._roll_back)
        bring_up(NAME, "yes", self.printed.append, steps)

    def fails(self) -> UserError:
        with pytest.raises(UserError) as error:
            self.run()
        return error.value

    def adds(self, result: str = "succeeded") -> None:
        self.made.append({**update(""), "result": result})
        self.app.pulumi.made(*self.made)
        if result == "failed":
            raise UserError("The update failed.")

    def heals(self) -> None:
        self.app.runs(deployments(), pod())
        self.adds()

    def breaks(self, result: str = "succeeded") -> None:
        self.app.runs(deployments(readyReplicas=0), pod())
        self.adds(result)

    def _up(self, name: str, config_file: object, *options: str) -> None:
        self.ups.append((name, str(config_file), *options))
        self.up()

    def _roll_back(self, name: str, to: object, how: str, echo: Callable[[str], None]) -> None:
        self.rollbacks.append((name, to, how))
        echo("rolling back")
        self.rollback()


@pytest.fixture
def stack(app: RunningApp) -> Engine:
    return Engine(app)


def command(name: str) -> str:
    return f"python -m delivery {name} --stack {NAME}"


def test_good_update_is_verified(stack: Engine) -> None:
    stack.run()

    assert "ok     rollout of backend" in stack.printed[0]
    assert stack.ups == [(NAME, "Pulumi.oke.yaml", "", "--yes", "--non-interactive")]
    assert stack.app.pulumi.verified == "2 1"
    assert stack.rollbacks == []


def test_clock_behind_the_last_update_prevents_the_next(stack: Engine) -> None:
    stack.app.pulumi.made({**update(""), "startTime": "2999-11-24T02:31:41.000Z"})

    assert stack.fails().hint == "date -u"
    assert stack.ups == []


def test_update_that_fails_its_verification_is_rolled_back(stack: Engine) -> None:
    stack.up, stack.rollback = stack.breaks, stack.heals

    error = stack.fails()

    assert stack.rollbacks == [(NAME, "verified", "yes")]
    printed = "\n".join(stack.printed)
    assert "FAILED rollout of backend" in printed.partition("rolling back")[0]
    assert "ok     rollout of backend" in printed.partition("rolling back")[2]
    assert error.hint == command("up")
    assert stack.app.pulumi.verified == "3 1"


def test_rollback_that_fails_its_verification_is_reported(stack: Engine) -> None:
    stack.up = stack.breaks

    assert stack.fails().hint == command("history")


def test_refused_rollback_is_reported_with_its_hint(stack: Engine) -> None:
    def refuse() -> None:
        raise UserError("Cannot roll back to update 1.", "crane manifest IMAGE")

    stack.up, stack.rollback = stack.breaks, refuse

    error = stack.fails()

    assert "Cannot roll back to update 1." in error.message
    assert error.hint == "crane manifest IMAGE"


@pytest.mark.parametrize("verified", ["", "2"])
def test_nothing_is_rolled_back_before_the_first_verified_update(stack: Engine, verified: str) -> None:
    stack.up = stack.breaks
    stack.app.pulumi.tagged(verified)

    assert stack.fails().hint == command("up")
    assert stack.rollbacks == []


def test_unreachable_cluster_rolls_nothing_back(stack: Engine) -> None:
    def lose() -> None:
        stack.app.server.refuses(PODS, HTTPStatus.SERVICE_UNAVAILABLE, "the server is away")
        stack.adds()

    stack.up = lose

    error = stack.fails()

    assert (error.exit_code, error.hint) == (3, command("verify"))
    assert "the server is away" in error.message
    assert stack.rollbacks == []


@pytest.mark.parametrize(("verified", "good"), [("1", "update 1 left it"), ("", "update 1 (never verified) left it")])
def test_app_is_verified_after_a_failed_update(stack: Engine, verified: str, good: str) -> None:
    stack.up = lambda: stack.adds("failed")
    stack.app.pulumi.tagged(verified)

    error = stack.fails()

    assert "ok     rollout of backend" in stack.printed[1]
    assert f"still runs as {good}" in error.message
    assert error.hint == command("up")
    assert stack.rollbacks == []
    assert stack.app.pulumi.verified == verified


def test_failed_update_that_broke_the_app_is_reported(stack: Engine) -> None:
    stack.up = lambda: stack.breaks("failed")

    assert stack.fails().hint == command("rollback")
    assert stack.rollbacks == []


def test_first_update_that_fails_cannot_be_verified(stack: Engine) -> None:
    stack.made.clear()
    stack.app.pulumi.made()
    stack.app.pulumi.has_outputs({})
    stack.up = lambda: stack.adds("failed")

    assert stack.fails().hint == command("verify")


def test_update_that_did_not_start_is_reported(stack: Engine) -> None:
    def decline() -> None:
        raise UserError("The update failed.")

    stack.up = decline

    assert stack.fails().hint == command("recover")
    assert stack.printed == []


def test_only_a_terminal_can_confirm(app: RunningApp, delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    assert delivery("up", "--stack", "oke", code=1)[1].endswith("hint: python -m delivery up --stack oke --yes\n")
    assert app.pulumi.calls == []

    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    main(["up", "--stack", "oke"])
    assert app.pulumi.updated == ["up --config-file Pulumi.oke.yaml --message  --stack oke"]
