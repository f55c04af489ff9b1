"""Looks until everything is as promised and stays so, or the deadline is over."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Protocol

import httpx2
from lightkube import ApiError, Client
from lightkube.core.exceptions import ConfigError

from delivery.report import Check
from delivery.verify import certificate, dapr, diagnostics, http, rollouts
from delivery.verify.expected import Wanted
from delivery.verify.logs import Logs, reading_logs
from delivery.verify.snapshot import Sight, is_simulated, see, url_of_ingress
from kube.redaction import Redactor
from settings.names import APPS, POD_SECRETS
from system.errors import UserError

# An app that crashes soon after its start was ready for a moment, and a rollout is complete in that moment: neither
# Helm nor `kubectl rollout status` looks twice. An app that dies later than this is for its alerts to find.
STEADY_SECONDS = 10.0

_POLL_SECONDS = 2.0
_REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)


class UnverifiedError(UserError):
    """Nothing is known of the app, neither that it is as promised nor that it is not."""

    exit_code = 3


class Progress(Protocol):
    """Who is told what came of each look."""

    def show(self, checks: Sequence[Check]) -> None:
        """What the checks came to at the last look."""
        ...

    def say(self, trouble: str) -> None:
        """Why there was nothing to see at the last look."""
        ...


def verify(client: Client, expected: Wanted, seconds: float, progress: Progress) -> Sequence[Check]:
    """Looks until every check passes, and goes on to for STEADY_SECONDS; or until a deadline of so many seconds.

    Whatever fails then is explained, without secrets. An outage of the cluster is waited out.

    Raises UnverifiedError where the cluster refuses to answer, or does not at the deadline.
    """
    with reading_logs(client) as logs, http.browser() as browser:
        return _Verification(client, logs, browser, expected).run(seconds, progress)


@dataclass(frozen=True)
class _Verification:
    client: Client
    logs: Logs
    browser: httpx2.Client
    expected: Wanted

    def run(self, seconds: float, progress: Progress) -> Sequence[Check]:
        deadline = time.monotonic() + seconds
        steadiness = _Steadiness()
        redactor: Redactor | None = None
        while True:
            try:
                redactor = redactor or Redactor.read(self.client, self.expected.namespace, POD_SECRETS)
                sight = see(self.client, self.expected.namespace)
                # A controller that is not the stack's own may take its time to say where it answers.
                url = self.expected.url or url_of_ingress(self.client, self.expected.namespace)
            except (httpx2.HTTPError, ConfigError) as error:
                told = f"The cluster does not answer: {error}"
                if not _may_pass(error) or time.monotonic() >= deadline:
                    raise UnverifiedError(told) from None
                progress.say(told)
            else:
                checks = [_redacted(check, redactor) for check in self._checks(sight, url)]
                if _failed(checks):
                    steadiness = _Steadiness()
                else:
                    checks.append(steadiness.look(sight))
                progress.show(checks)
                if not _failed(checks):
                    return checks
                # What holds at the deadline may take its time to show that it stays so.
                if time.monotonic() >= deadline + (0 if steadiness.began is None else STEADY_SECONDS):
                    explained = diagnostics.explained(self.client, self.logs, self.expected.namespace, sight, checks)
                    return [_redacted(check, redactor) for check in explained]
            time.sleep(_POLL_SECONDS)

    def _checks(self, sight: Sight, url: str) -> Iterator[Check]:
        expected, backend = self.expected, sight.pods["backend"]
        for app in APPS:
            yield rollouts.rollout(app, sight.deployments.get(app), sight.pods[app])
        for app in APPS:
            yield rollouts.image(app, expected.images[app], sight.pods[app])
        yield dapr.components(expected.components, sight.components, backend, self.logs)
        yield dapr.sidecars(backend)
        yield certificate.certificate(backend, datetime.now(UTC))
        simulated = any(is_simulated(pod) for app in APPS for pod in sight.pods[app])
        for path in http.PATHS:
            yield http.unheard(path) if simulated else http.answer(self.browser, url, path, expected.address)


class _Steadiness:
    """Since when the same pods are as they are to be, without any restart; by this machine's clock alone."""

    def __init__(self) -> None:
        self.began: float | None = None
        self._restarts: Mapping[str | None, int] = {}

    def look(self, sight: Sight) -> Check:
        now = time.monotonic()
        if self.began is None or sight.restarts != self._restarts:
            self.began, self._restarts = now, sight.restarts
        if now - self.began >= STEADY_SECONDS:
            return Check("steadiness", "passed", f"the same pods, without a restart, for {STEADY_SECONDS:g} seconds")
        return Check("steadiness", "failed", f"the same pods are to run on for {STEADY_SECONDS:g} seconds")


def _redacted(check: Check, redactor: Redactor) -> Check:
    return replace(check, causes=redactor.redact(check.causes))


def _failed(checks: Sequence[Check]) -> bool:
    return any(check.state == "failed" for check in checks)


def _may_pass(error: Exception) -> bool:
    """Whether it is an outage, which may be over at the next look, and not a refusal."""
    if isinstance(error, ApiError):
        return error.response.status_code not in _REFUSALS
    return not isinstance(error, ConfigError)
