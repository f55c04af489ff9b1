"""The deliveries of every day: this program and the shell pipeline take turns at each, on one cluster."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, TypeAlias

from tests.integration.project import CANARIES, Project
from tools.bench.floor import Floor
from tools.bench.ours import Ours
from tools.bench.shell import Shell
from tools.bench.table import above, compared, markdown, spread
from tools.bench.testbed import BenchError, Delivered, Tell, Testbed, delivered, image

Series: TypeAlias = Mapping[str, Sequence[float]]

# The goals: at most so many times what the shell pipeline takes.
GOALS: Mapping[str, float | None] = {
    "no change": 1.0,
    "no change, with `--refresh` as on main": None,
    "preview of one image": 1.1,
    "one image": 1.1,
    "rollback": 1.1,
    "one image, whose pods take 25 s to start": 1.1,
    "one secret": 1.1,
    "one secret, until the pods have it": 1.1,
    "first deploy": 1.1,
}
FLOOR_GOAL_SECONDS = 2.0

NOTES = """\
Median of {repetitions} repetitions, with the quartiles. In each repetition both take turns at every case, on the same
embedded cluster, with the same chart and values and with warm caches. Pods are simulated there and ready at once, but
for those of the one row: what real ones take to start comes on top of both alike.

- This program: `pulumi up --yes --skip-preview`, `pulumi preview` and `delivery rollback --yes`, each with the whole
  graph, platform and app, and its state in a file. It compares every object of the release with the cluster; where
  nothing is to be changed, Helm is not asked to do anything.
- The shell pipeline: the document's deploy stage, without its look at the nodes before and its smoke test (`sleep 30`
  and `curl`) after. It touches two secrets and the release, and keeps no state. With no change Helm makes a new
  revision all the same, and runs the migrations. Its preview is a dry run on the server of each of its commands, which
  does not say what differs: it has no `helm diff`. Its rollback is `helm rollback` with the stage's wait, and proves
  nothing before.
- One secret: the shell pipeline leaves the pods with the old one, where this program rolls those of the backend. The
  row below adds the `kubectl rollout restart` that it lacks.
- First deploy: the two secrets and the release, on a cluster with the platform on it, for both.
- The empty program is the engine, its language host and Python: no program in Python can be faster."""


class Way(Protocol):
    """A way to deliver. What is measured gives its seconds; whatever else it takes is done before."""

    project: Project

    def set_image(self, app: str, tag: str) -> None: ...
    def set_secret(self, password: str) -> None: ...
    def remove(self) -> None: ...
    def deploy(self) -> float: ...
    def deploy_on_main(self) -> float: ...
    def preview(self) -> float: ...
    def roll_back(self) -> float: ...
    def restart(self) -> float: ...


def measure(bed: Testbed, repetitions: int, tell: Tell) -> str:
    """The table, with its notes, in Markdown. Raises BenchError where a delivery fails or does not do its work."""
    ours, shell, floor = _installed(bed, tell)
    taken: dict[Way, dict[str, list[float]]] = {ours: defaultdict(list), shell: defaultdict(list)}
    empty: dict[str, list[float]] = defaultdict(list)
    for number in range(1, repetitions + 1):
        # Whoever is first at a case warms the cluster for the other.
        turns = [ours, shell] if number % 2 else [shell, ours]
        steps = {way: _cases(way, number) for way in turns}
        for case in GOALS:
            for way in turns:
                taken[way][case].append(next(steps[way]))
            tell(
                f"repetition {number} of {repetitions}, {case}: "
                f"{taken[ours][case][-1]:.1f} s, the shell {taken[shell][case][-1]:.1f} s"
            )
        empty["no change"].append(floor.up())
        empty["preview of one image"].append(floor.preview())
    notes = NOTES.format(repetitions=repetitions)
    return f"{_table(taken[ours], taken[shell])}\n\n{_floor_table(taken[ours], empty)}\n\n{notes}"


def _installed(bed: Testbed, tell: Tell) -> tuple[Ours, Shell, Floor]:
    ours = Ours(bed)
    tell(f"everything on an empty cluster, the platform included: {ours.deploy():.1f} s")
    shell = Shell(bed)
    shell.copy_dapr_components()
    shell.deploy()
    return ours, shell, Floor(bed)


def _cases(way: Way, number: int) -> Iterator[float]:
    """The seconds of each case of one repetition, in the order of GOALS."""
    tag = f"sha-{number:07x}"
    password = f"{CANARIES['kafkaPassword']}-{number}"
    before = delivered(way.project)
    changed = replace(before, backend=image("backend", tag))
    slow = f"slow@sha256:{number:064x}"
    yield way.deploy()
    yield way.deploy_on_main()
    way.set_image("backend", tag)
    yield way.preview()
    _require(way, before)
    yield way.deploy()
    _require(way, changed)
    yield way.roll_back()
    _require(way, before)
    way.set_image("backend", slow)
    yield way.deploy()
    _require(way, replace(before, backend=image("backend", slow)))
    way.set_image("backend", tag)
    way.deploy()
    way.set_secret(password)
    seconds = way.deploy()
    yield seconds
    yield seconds + way.restart()
    _require(way, replace(changed, password=password))
    way.remove()
    yield way.deploy()
    _require(way, replace(changed, password=password))


def _require(way: Way, expected: Delivered) -> None:
    # What does not do its work may be as fast as it likes.
    found = delivered(way.project)
    if found != expected:
        raise BenchError(f"{type(way).__name__} was to deliver {_told(expected)}, and the cluster has {_told(found)}.")


def _told(delivered: Delivered) -> str:
    return f"{delivered.frontend}, {delivered.backend} and password {delivered.password.rpartition('-')[2]}"


def _table(ours: Series, shell: Series) -> str:
    titles = ["", "this program", "shell pipeline", "ratio", "goal", "met"]
    rows = [
        [case, str(spread(ours[case])), str(spread(shell[case])), *compared(ours[case], shell[case], goal)]
        for case, goal in GOALS.items()
    ]
    return markdown(titles, rows)


def _floor_table(ours: Series, empty: Series) -> str:
    titles = ["", "this program", "empty program", "above it", "goal", "met"]
    rows = [
        [case, str(spread(ours[case])), str(spread(floor)), *above(ours[case], floor, goal)]
        for (case, floor), goal in zip(empty.items(), (FLOOR_GOAL_SECONDS, None), strict=True)
    ]
    return markdown(titles, rows)
