"""Measure daily deliveries: this program and the shell pipeline take turns at each, on one cluster."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Literal, Protocol, TypeAlias

from system.errors import UserError
from tests.support.project import CANARIES, Project
from tools.bench.floor import Bare, Empty
from tools.bench.ours import Ours
from tools.bench.shell import Shell
from tools.bench.table import above, compared, markdown, spread
from tools.bench.testbed import Delivered, Echo, Testbed, delivered, image

# Returns the tag of the backend's image in a repetition; 0 is the state before the first.
Tag: TypeAlias = Callable[[int], str]
Series: TypeAlias = Mapping[str, Sequence[float]]
Floors: TypeAlias = Mapping[Literal["empty", "bare"], dict[str, list[float]]]

# Cases in order, with the goal: the largest ratio to the shell pipeline's time.
GOALS: Mapping[str, float | None] = {
    "no change": 1.0,
    "no change, with `--refresh` as on main": None,
    "preview of one image": 1.1,
    "one image": 1.1,
    "rollback": 1.1,
    "one secret": 1.1,
    "one secret, until the pods have it": 1.1,
    "first deploy": 1.1,
}
# The cases that wait for pods.
SLOW_CASES = ("one image", "rollback", "one secret, until the pods have it", "first deploy")
FLOOR_GOAL_SECONDS = 2.0

NOTES = """\
Median of {repetitions} repetitions, with the quartiles. In each repetition both run every case, on the same embedded
cluster, with the same chart, values and warm caches. Pods are simulated and ready at once; `--slow-pods` measures pods
that start slowly.

- This program: `pulumi up --yes --skip-preview`, `pulumi preview` and `delivery rollback --yes`, each with the whole
  graph, platform and app, and its state in a file. It compares every object of the release with the cluster, and does
  not call Helm where nothing changes.
- The shell pipeline: the document's deploy stage, without its check of the nodes and its smoke test (`sleep 30` and
  `curl`). It applies two secrets and the release, and keeps no state. Without a change Helm still makes a new revision
  and runs the migrations. Its preview is a server-side dry run of each command, which shows no differences: it has no
  `helm diff`. Its rollback is `helm rollback` with the stage's wait, without a check before it.
- One secret: this program restarts the backend's pods; the shell pipeline leaves the old secret in them. The next row
  adds the missing `kubectl rollout restart`.
- First deploy: the two secrets and the release, on a cluster that has the platform.
- The empty program measures the engine, its language host and Python: no program in Python can be faster. The bare one
  declares the shell pipeline's two secrets and its release: no Pulumi program can deploy them faster."""

SLOW_NOTES = """\
Median of {repetitions} repetitions, with the quartiles, of the same cases, where each of the backend's two pods takes
25 s to become ready. They are replaced one after the other."""


class Way(Protocol):
    """A way to deliver. Methods that return seconds are measured."""

    project: Project

    def set_image(self, app: str, tag: str) -> None: ...
    def set_secret(self, password: str) -> None: ...
    def remove(self) -> None: ...
    def deploy(self) -> float: ...
    def deploy_on_main(self) -> float: ...
    def preview(self) -> float: ...
    def roll_back(self) -> float: ...
    def restart(self) -> float: ...


Taken: TypeAlias = Mapping[Way, dict[str, list[float]]]


def measure(bed: Testbed, repetitions: int, echo: Echo) -> str:
    """Return the tables and their notes in Markdown. Raises UserError where a delivery fails or has no effect."""
    ways = _installed(bed, _quick, echo)
    empty, bare = Empty(bed), Bare(bed)
    taken = _nothing_taken(ways)
    floors: Floors = {"empty": defaultdict(list), "bare": defaultdict(list)}
    for number in range(1, repetitions + 1):
        _repeat(ways, number, _quick, taken, echo)
        floors["empty"]["no change"].append(empty.up())
        floors["empty"]["preview of one image"].append(empty.preview())
        floors["bare"]["no change"].append(bare.up())
        bare.set_image("backend", _quick(number))
        floors["bare"]["preview of one image"].append(bare.preview())
        floors["bare"]["one image"].append(bare.up())
    ours, shell = (taken[way] for way in ways)
    notes = NOTES.format(repetitions=repetitions)
    return f"{_table(ours, shell, GOALS)}\n\n{_floor_table(ours, floors)}\n\n{notes}"


def measure_slow(bed: Testbed, repetitions: int, echo: Echo) -> str:
    """Return the table of the cases that wait for pods, with slow pods. Raises like `measure`."""
    ways = _installed(bed, _slow, echo)
    taken = _nothing_taken(ways)
    for number in range(1, repetitions + 1):
        _repeat(ways, number, _slow, taken, echo)
    ours, shell = (taken[way] for way in ways)
    return f"{_table(ours, shell, SLOW_CASES)}\n\n{SLOW_NOTES.format(repetitions=repetitions)}"


def _quick(number: int) -> str:
    return f"sha-{number:07x}"


def _slow(number: int) -> str:
    return f"slow@sha256:{number:064x}"


def _installed(bed: Testbed, tag: Tag, echo: Echo) -> tuple[Ours, Shell]:
    ours = Ours(bed)
    ours.set_image("backend", tag(0))
    echo(f"everything on an empty cluster, the platform included: {ours.deploy():.1f} s")
    shell = Shell(bed)
    shell.set_image("backend", tag(0))
    shell.copy_dapr_components()
    shell.deploy()
    return ours, shell


def _nothing_taken(ways: Iterable[Way]) -> Taken:
    return {way: defaultdict(list) for way in ways}


def _repeat(ways: Sequence[Way], number: int, tag: Tag, taken: Taken, echo: Echo) -> None:
    # The first to run a case warms the cluster for the other.
    turns = ways if number % 2 else [*reversed(ways)]
    steps = {way: _cases(way, number, tag) for way in turns}
    for case in GOALS:
        for way in turns:
            taken[way][case].append(next(steps[way]))
        seconds = " and ".join(f"{type(way).__name__} {taken[way][case][-1]:.1f} s" for way in ways)
        echo(f"repetition {number}, {case}: {seconds}")


def _cases(way: Way, number: int, tag: Tag) -> Iterator[float]:
    """Run one repetition and yield the seconds of each case, in the order of GOALS."""
    password = f"{CANARIES['kafkaPassword']}-{number}"
    before = delivered(way.project)
    changed = replace(before, backend=image("backend", tag(number)))
    yield way.deploy()
    yield way.deploy_on_main()
    way.set_image("backend", tag(number))
    yield way.preview()
    _require(way, before)
    yield way.deploy()
    _require(way, changed)
    yield way.roll_back()
    _require(way, before)
    way.set_image("backend", tag(number))
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
    # A delivery without an effect may be fast.
    found = delivered(way.project)
    if found != expected:
        raise UserError(f"{type(way).__name__} delivered {_text(found)} instead of {_text(expected)}.")


def _text(delivered: Delivered) -> str:
    return f"{delivered.frontend}, {delivered.backend} and password {delivered.password.rpartition('-')[2]}"


def _table(ours: Series, shell: Series, cases: Iterable[str]) -> str:
    titles = ["", "this program", "shell pipeline", "ratio", "goal", "met"]
    rows = [
        [case, str(spread(ours[case])), str(spread(shell[case])), *compared(ours[case], shell[case], GOALS[case])]
        for case in cases
    ]
    return markdown(titles, rows)


def _floor_table(ours: Series, floors: Floors) -> str:
    titles = ["", "this program", "bare program", "empty program", "above the empty one", "goal", "met"]
    goals = {"no change": FLOOR_GOAL_SECONDS}
    rows = [
        [
            case,
            str(spread(ours[case])),
            str(spread(bare)),
            *_above_empty(ours[case], floors["empty"].get(case), goals.get(case)),
        ]
        for case, bare in floors["bare"].items()
    ]
    return markdown(titles, rows)


def _above_empty(ours: Sequence[float], empty: Sequence[float] | None, goal: float | None) -> Sequence[str]:
    return [str(spread(empty)), *above(ours, empty, goal)] if empty else [""] * 4
