"""Run the checks until all pass and stay so, or until the timeout."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol

import httpx2
from lightkube import ApiError, Client
from lightkube.core.exceptions import ConfigError

from delivery.report import Check
from delivery.verify import certificate, dapr, diagnostics, http, rollouts, snapshot
from delivery.verify.expected import Expected
from delivery.verify.logs import Logs, open_logs
from delivery.verify.snapshot import Snapshot
from kube.redaction import Redactor
from settings.names import APPS, POD_SECRETS
from system.errors import UserError

_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class UnverifiedError(UserError):
    """The verification has no result: the app may run as expected or not."""

    exit_code = 3


class Progress(Protocol):
    def show(self, checks: Sequence[Check]) -> None:
        """Show the latest results."""
        ...

    def echo(self, problem: str) -> None:
        """Show why there are no results at the moment."""
        ...


@dataclass(frozen=True)
class Pacing:
    """The clock of a verification."""

    poll_seconds: float = 2.0
    # An app that crashes soon after its start is ready for a moment, and its rollout complete: neither Helm nor
    # `kubectl rollout status` looks twice. Later crashes are for alerts.
    steady_seconds: float = 10.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


PACING = Pacing()


def verify(
    client: Client, expected: Expected, seconds: float, progress: Progress, pacing: Pacing = PACING
) -> Sequence[Check]:
    """Repeat the checks until all pass for `steady_seconds`, or for `seconds`; then add causes, without secrets.

    An outage of the cluster is waited out. Raises UnverifiedError where the cluster rejects the client, or is
    unreachable at the timeout.
    """
    with open_logs(client) as logs, http.new_client() as browser:
        return _Verification(client, logs, browser, expected, pacing).run(seconds, progress)


@dataclass(frozen=True)
class _Verification:
    client: Client
    logs: Logs
    browser: httpx2.Client
    expected: Expected
    pacing: Pacing

    def run(self, seconds: float, progress: Progress) -> Sequence[Check]:
        namespace, clock = self.expected.namespace, self.pacing.clock
        deadline = clock() + seconds
        steadiness = _Steadiness(self.pacing)
        redactor: Redactor | None = None
        while True:
            try:
                redactor = redactor or Redactor.read(self.client, namespace, POD_SECRETS)
                current = snapshot.take(self.client, namespace)
                # Another ingress controller may assign the address at any time.
                url = self.expected.url or snapshot.ingress_url(self.client, namespace)
            except (httpx2.HTTPError, ConfigError) as error:
                problem = f"The cluster is unreachable: {error}"
                if not _is_outage(error) or clock() >= deadline:
                    raise UnverifiedError(problem) from None
                progress.echo(problem)
            else:
                checks = [_redacted(check, redactor) for check in self._checks(current, url)]
                if _any_failed(checks):
                    steadiness = _Steadiness(self.pacing)
                else:
                    checks.append(steadiness.check(current))
                progress.show(checks)
                if not _any_failed(checks):
                    return checks
                # Checks that pass at the deadline get the time to prove steady.
                if clock() >= deadline + (0 if steadiness.since is None else self.pacing.steady_seconds):
                    explained = diagnostics.with_causes(self.client, self.logs, namespace, current, checks)
                    return [_redacted(check, redactor) for check in explained]
            self.pacing.sleep(self.pacing.poll_seconds)

    def _checks(self, current: Snapshot, url: str | None) -> Iterator[Check]:
        expected, backend = self.expected, current.pods["backend"]
        for app in APPS:
            yield rollouts.check_rollout(app, current.deployments.get(app), current.pods[app])
        for app in APPS:
            yield rollouts.check_image(app, expected.images[app], current.pods[app])
        yield dapr.check_components(expected.components, current.components, backend, self.logs)
        yield dapr.check_sidecars(backend)
        yield certificate.check(backend, datetime.now(UTC))
        for path in http.PATHS:
            if current.is_simulated:
                yield http.not_applicable(path)
            else:
                yield http.check(self.browser, url, path, expected.address)


class _Steadiness:
    """How long the same pods run without a restart."""

    def __init__(self, pacing: Pacing) -> None:
        self._pacing = pacing
        self.since: float | None = None
        self._restarts: dict[str | None, int] = {}

    def check(self, current: Snapshot) -> Check:
        now, seconds, restarts = self._pacing.clock(), self._pacing.steady_seconds, {**current.restarts}
        if self.since is None or restarts != self._restarts:
            self.since, self._restarts = now, restarts
        state = "passed" if now - self.since >= seconds else "failed"
        return Check("steadiness", state, f"the same pods for {seconds:g} seconds, without a restart")


def _redacted(check: Check, redactor: Redactor) -> Check:
    return replace(check, causes=redactor.redact(check.causes))


def _any_failed(checks: Sequence[Check]) -> bool:
    return any(check.state == "failed" for check in checks)


def _is_outage(error: Exception) -> bool:
    """Return whether the error can pass by itself, unlike a rejection."""
    if isinstance(error, ApiError):
        return error.response.status_code not in _REFUSALS
    return not isinstance(error, ConfigError)
