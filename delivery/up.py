"""`python -m delivery up`: an update with its verification, and a rollback where a check fails, as in the workflow."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from delivery import report
from delivery.engine import stack, stack_config
from delivery.history import updates
from delivery.history.updates import Update
from delivery.rollback.run import roll_back
from delivery.verify.loop import UnverifiedError
from delivery.verify.run import Result, verify_stack
from system.errors import UserError
from system.terminal import require_terminal


@dataclass(frozen=True)
class Steps:
    """The steps of `up`."""

    update: Callable[..., None] = stack.up
    verify: Callable[[str], Result] = verify_stack
    roll_back: Callable[..., None] = roll_back


_STEPS = Steps()
# Before the hint `up`, which fails again otherwise.
_FIX_FIRST = "Fix the cause, then update again."


def bring_up(name: str, how: Literal["ask", "yes"], echo: Callable[[str], None], steps: Steps = _STEPS) -> None:
    """Update a stack and verify it; where a check fails, roll back to the last verified update and verify again.

    how: let the engine ask for confirmation after its preview, or apply without.

    Raises UserError where the update or a check failed, even after a successful rollback, and where this machine's
    clock is behind; UnverifiedError where the update succeeded and could not be verified.
    """
    if how == "ask":
        require_terminal(f"python -m delivery up --stack {name} --yes")
    before = _last(name)
    updates.require_clock(before, datetime.now(UTC))
    run = _Run(name, echo, steps)
    options = ["--yes", "--non-interactive"] if how == "yes" else []
    try:
        steps.update(name, stack_config.stack_file(name), "", *options)
    except UserError as error:
        after = _last(name)
        if after is None or (before and after.version == before.version):
            raise UserError(
                "The engine recorded no update; its output is above.", f"python -m delivery recover --stack {name}"
            ) from None
        raise run.failed_update(after) from error
    run.verify_update()


@dataclass(frozen=True)
class _Run:
    """What follows the update."""

    name: str
    echo: Callable[[str], None]
    steps: Steps

    def verify_update(self) -> None:
        """Verify the last update, and roll back where a check fails. Raises UserError unless it is verified."""
        version = _version(self.name)
        result = self._verify()
        match result.state:
            case "passed":
                self.echo(f"\nUpdate {version} of stack {self.name} succeeded and is verified.")
            case "unknown":
                raise UnverifiedError(
                    f"Update {version} succeeded and could not be verified: {_reason(result)} Nothing was rolled back.",
                    self._command("verify"),
                )
            case "failed":
                raise self._rolled_back(version, result)

    def failed_update(self, failed: Update) -> UserError:
        """Return the error for a failed update, after a check that the app still runs as before."""
        self.echo(f"\nUpdate {failed.version} failed; verifying that the app runs as before.")
        result = self._verify()
        failure = f"Update {failed.version} of stack {self.name} failed; the engine's output is above."
        match result.state:
            case "passed":
                return UserError(
                    f"{failure} The app still runs as {_last_good(self.name)} left it: the release rolled itself back. "
                    f"{_FIX_FIRST}",
                    self._command("up"),
                )
            case "failed":
                return UserError(
                    f"{failure} The app does not run as before: {_reason(result)}", self._command("rollback")
                )
            case "unknown":
                return UserError(
                    f"{failure} Could not verify that the app runs as before: {_reason(result)}",
                    self._command("verify"),
                )

    def _rolled_back(self, bad: int, result: Result) -> UserError:
        failure = f"Update {bad} of stack {self.name} succeeded and failed its verification: {_reason(result)}"
        if not set(updates.verified(self.name)) - {bad}:
            return UserError(
                f"{failure} Nothing was rolled back, because no update was verified before. {_FIX_FIRST}",
                self._command("up"),
            )
        self.echo(f"\nUpdate {bad} failed its verification; rolling back to the last verified update.")
        try:
            self.steps.roll_back(self.name, "verified", "yes", self.echo)
        except UserError as error:
            return UserError(f"{failure} It was not rolled back: {error.message}", error.hint)
        second = self._verify()
        rollback = f"{failure} It was rolled back by update {_version(self.name)}, which"
        match second.state:
            case "passed":
                return UserError(f"{rollback} is verified. {_FIX_FIRST}", self._command("up"))
            case "failed":
                return UserError(f"{rollback} failed its verification too: {_reason(second)}", self._command("history"))
            case "unknown":
                return UserError(f"{rollback} could not be verified: {_reason(second)}", self._command("history"))

    def _verify(self) -> Result:
        result = self.steps.verify(self.name)
        self.echo(report.plain(result.checks) if result.checks else f"not verified: {_reason(result)}")
        return result

    def _command(self, command: str) -> str:
        return f"python -m delivery {command} --stack {self.name}"


def _reason(result: Result) -> str:
    return f"{result.error.message.rstrip('.')}." if result.error else ""


def _last_good(name: str) -> str:
    good = next((u for u in updates.read(name) if u.kind == "update" and u.result == "succeeded"), None)
    if good is None:
        return "no update"
    return f"update {good.version}{'' if good.version in updates.verified(name) else ' (never verified)'}"


def _last(name: str) -> Update | None:
    return next(iter(updates.read(name)), None)


def _version(name: str) -> int:
    last = _last(name)
    return last.version if last else 0
