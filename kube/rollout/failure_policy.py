"""The policy by which a rollout fails before Helm's timeout: on an issue that persists and is not retriable."""

import time
from collections.abc import Callable, Iterable
from typing import TypeAlias

from lightkube.resources.core_v1 import Pod

from kube.objects import container_statuses, init_container_statuses, uid
from kube.rollout.issues import Issue
from kube.rollout.terminal import Kind

_Key: TypeAlias = tuple[str | None, str | None, Kind]


class FailurePolicy:
    """Tracks over the snapshots of a rollout for how long each issue has persisted."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # When each issue was first seen, and after how many attempts.
        self._first_seen: dict[_Key, tuple[float, int]] = {}
        self._ready_once: set[tuple[str | None, str]] = set()

    def terminal(self, issues: Iterable[Issue], pods: Iterable[Pod]) -> list[Issue]:
        """Return the issues of the next snapshot because of which the rollout cannot succeed."""
        now = self._clock()
        # A container that was ready once can become ready again, however often it crashes.
        self._ready_once |= {
            (uid(pod), status.name)
            for pod in pods
            for status in (*init_container_statuses(pod), *container_statuses(pod))
            if status.ready
        }
        candidates = [
            (issue, issue.terminal_after)
            for issue in issues
            if issue.terminal_after is not None and (issue.uid, issue.container) not in self._ready_once
        ]
        seen = {_key(issue): (now, issue.attempts or 0) for issue, _ in candidates}
        self._first_seen = {key: self._first_seen.get(key, first) for key, first in seen.items()}
        return [issue for issue, seconds in candidates if self._persists(issue, now - seconds)]

    def _persists(self, issue: Issue, since: float) -> bool:
        first_seen, attempts = self._first_seen[_key(issue)]
        return first_seen <= since and (issue.attempts is None or issue.attempts > attempts)


def _key(issue: Issue) -> _Key:
    return issue.uid, issue.container, issue.kind
