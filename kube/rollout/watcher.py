"""Watch a release while Helm waits for it, and abort a wait that cannot succeed."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from lightkube import AsyncClient
from lightkube.resources.apps_v1 import Deployment
from lightkube.resources.core_v1 import Secret

from kube.objects import name
from kube.redaction import Redactor
from kube.rollout.abort import abort_hook, abort_wait
from kube.rollout.failure_policy import FailurePolicy
from kube.rollout.issues import Issue, find_issues
from kube.rollout.snapshot import Snapshot
from kube.rollout.tracker import ReleaseTracker

_LOG_SECONDS = 3.0
_LOG_LINES = 10


@dataclass(frozen=True)
class Timing:
    """The clock and the pace of a watcher."""

    clock: Callable[[], float] = time.monotonic
    poll_seconds: float = 1.0


class RolloutWatcher:
    """Watches a Helm release and keeps its issues: after Helm's rollback the failed pods are gone.

    Whatever fails in here must never fail the release.
    """

    def __init__(
        self,
        client: AsyncClient,
        namespace: str,
        release: str,
        secrets: Sequence[str],
        timing: Timing = Timing(),
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._release = release
        self._secrets = secrets
        self._timing = timing
        self._tracker = ReleaseTracker(client, namespace, release, timing.clock)
        self._policy = FailurePolicy(timing.clock)
        self._started_at = timing.clock()
        self._messages: dict[tuple[str, str], str] = {}
        self._terminal: list[Issue] = []
        self._logged: set[tuple[str | None, str | None]] = set()
        self._has_baseline = False
        self._aborted: str | None = None

    @property
    def messages(self) -> list[str]:
        """The issues seen so far, terminal ones first, and how the wait was aborted, if it was."""
        terminal = {_cause(issue) for issue in self._terminal}
        causes = sorted(self._messages, key=lambda cause: cause not in terminal)
        return [*(self._messages[cause] for cause in causes), *filter(None, [self._aborted])]

    async def start(self) -> None:
        """Record what exists before Helm changes anything. Without that, the wait is never aborted."""
        with suppress(Exception):
            await self._tracker.start()
            self._has_baseline = True

    async def watch(self, echo: Callable[[str], None]) -> None:
        """Watch until cancelled or until the wait is aborted; echo the number of ready replicas when it changes."""
        echoed = ""
        while self._aborted is None:
            with suppress(Exception):  # the next snapshot may succeed
                snapshot = await self._tracker.snapshot()
                progress = ", ".join(sorted(map(_progress, snapshot.deployments)))
                if progress != echoed:
                    echo(progress)
                    echoed = progress
                await self._check(snapshot)
            await asyncio.sleep(self._timing.poll_seconds)
        # The rollback is not watched: it waits too, and the failed pods still exist for a while.
        echo("the rollout cannot succeed: Helm rolls the release back")

    async def _check(self, snapshot: Snapshot) -> None:
        issues = find_issues(snapshot)
        for issue in issues:
            await self._record(issue)
        terminal = self._policy.terminal(issues, snapshot.pods)
        self._terminal = [issue for issue in terminal if issue.job or snapshot.is_applied]
        if self._terminal and self._has_baseline:
            self._aborted = await self._abort(self._terminal[0])

    async def _record(self, issue: Issue) -> None:
        # Replicas and snapshots differ only in the message: which pod, how long it backs off.
        self._messages.setdefault(_cause(issue), issue.sentence)
        container = issue.uid, issue.container
        if issue.kind != "crash" or container in self._logged:
            return
        self._logged.add(container)
        try:
            async with asyncio.timeout(_LOG_SECONDS):
                lines = await self._last_lines(issue)
        except Exception:  # noqa: BLE001 (a node may be unreachable, or a secret not readable)
            return
        if lines:
            summary = f"last log lines of container {issue.container}"
            message = "\n    ".join([f"{issue.workload}: {summary}:", *lines])
            self._messages.setdefault((issue.workload, summary), message)

    async def _last_lines(self, issue: Issue) -> list[str]:
        secrets = [await self._client.get(Secret, name, namespace=self._namespace) for name in self._secrets]
        log = self._client.log(
            issue.pod or "", namespace=self._namespace, container=issue.container, tail_lines=_LOG_LINES
        )
        return Redactor.of(secrets).redact([line.rstrip() async for line in log])

    async def _abort(self, issue: Issue) -> str:
        if issue.job:
            helm_error = await abort_hook(self._client, self._namespace, issue.job)
        else:
            helm_error = await abort_wait(self._client, self._namespace, self._release)
        seconds = round(self._timing.clock() - self._started_at)
        aborted = f"the wait was aborted after {seconds} s"
        return f"the rollout cannot succeed, so {aborted}; Helm reports this as: {helm_error}"


def _cause(issue: Issue) -> tuple[str, str]:
    return issue.workload, issue.summary


def _progress(deployment: Deployment) -> str:
    ready = (deployment.status and deployment.status.readyReplicas) or 0
    replicas = (deployment.spec and deployment.spec.replicas) or 0
    return f"{name(deployment) or 'a deployment'} {ready}/{replicas} ready"
