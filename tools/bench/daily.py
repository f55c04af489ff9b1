"""The deliveries of every day: this program and the shell pipeline take turns at each, on one cluster."""

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

# Of the backend's image in a repetition; 0 is what is there before the first.
Tag: TypeAlias = Callable[[int], str]
Series: TypeAlias = Mapping[str, Sequence[float]]
Floors: TypeAlias = Mapping[Literal["empty", "bare"], dict[str, list[float]]]

# The goals: at most so many times what the shell pipeline takes.
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
# Those that wait for pods.
SLOW_CASES = ("one image", "rollback", "one secret, until the pods have it", "first deploy")
FLOOR_GOAL_SECONDS = 2.0

NOTES = """\
Median of {repetitions} repetitions, with the quartiles. In each repetition both take turns at every case, on the same
embedded cluster, with the same chart and values and with warm caches. Pods are simulated there and ready at once: what
real ones take to start comes on top of both alike, and `--slow-pods` measures that.

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
- The empty program is the engine, its language host and Python: no program in Python can be faster. The bare one
  declares the shell's two secrets and its release, and nothing else: no Pulumi program can do the same faster."""

SLOW_NOTES = """\
Median of {repetitions} repetitions, with the quartiles, of the same cases, where a pod of the backend is ready 25 s
after its start. It has two, and one is replaced after the other."""


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


Taken: TypeAlias = Mapping[Way, dict[str, list[float]]]


def measure(bed: Testbed, repetitions: int, echo: Echo) -> str:
    """The table, with its notes, in Markdown. Raises UserError where a delivery fails or does not do its work."""
    ways = _installed(bed, _quick, echo)
    empty, bare = Empty(bed), Bare(bed)
    taken = _nothing_taken(ways)
    least: Floors = {"empty": defaultdict(list), "bare": defaultdict(list)}
    for number in range(1, repetitions + 1):
        _repeat(ways, number, _quick, taken, echo)
        least["empty"]["no change"].append(empty.up())
        least["empty"]["preview of one image"].append(empty.preview())
        least["bare"]["no change"].append(bare.up())
        bare.set_image("backend", _quick(number))
        least["bare"]["preview of one image"].append(bare.preview())
        least["bare"]["one image"].append(bare.up())
    ours, shell = (taken[way] for way in ways)
    notes = NOTES.format(repetitions=repetitions)
    return f"{_table(ours, shell, GOALS)}\n\n{_floor_table(ours, least)}\n\n{notes}"


def measure_slow(bed: Testbed, repetitions: int, echo: Echo) -> str:
    """The same for those that wait for pods, with pods that take their time."""
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
    # Whoever is first at a case warms the cluster for the other.
    turns = ways if number % 2 else [*reversed(ways)]
    steps = {way: _cases(way, number, tag) for way in turns}
    for case in GOALS:
        for way in turns:
            taken[way][case].append(next(steps[way]))
        told = " and ".join(f"{type(way).__name__} {taken[way][case][-1]:.1f} s" for way in ways)
        echo(f"repetition {number}, {case}: {told}")


def _cases(way: Way, number: int, tag: Tag) -> Iterator[float]:
    """The seconds of each case of one repetition, in the order of GOALS."""
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
    # What does not do its work may be as fast as it likes.
    found = delivered(way.project)
    if found != expected:
        raise UserError(f"{type(way).__name__} was to deliver {_text(expected)}, and the cluster has {_text(found)}.")


def _text(delivered: Delivered) -> str:
    return f"{delivered.frontend}, {delivered.backend} and password {delivered.password.rpartition('-')[2]}"


def _table(ours: Series, shell: Series, cases: Iterable[str]) -> str:
    titles = ["", "this program", "shell pipeline", "ratio", "goal", "met"]
    rows = [
        [case, str(spread(ours[case])), str(spread(shell[case])), *compared(ours[case], shell[case], GOALS[case])]
        for case in cases
    ]
    return markdown(titles, rows)


def _floor_table(ours: Series, least: Floors) -> str:
    titles = ["", "this program", "bare program", "empty program", "above the empty one", "goal", "met"]
    goals = {"no change": FLOOR_GOAL_SECONDS}
    rows = [
        [
            case,
            str(spread(ours[case])),
            str(spread(bare)),
            *_above_empty(ours[case], least["empty"].get(case), goals.get(case)),
        ]
        for case, bare in least["bare"].items()
    ]
    return markdown(titles, rows)


def _above_empty(ours: Sequence[float], empty: Sequence[float] | None, goal: float | None) -> Sequence[str]:
    return [str(spread(empty)), *above(ours, empty, goal)] if empty else [""] * 4
