"""A release that does not become ready: how long until an error names the cause."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from system.errors import UserError
from tests.support.project import Project
from tools.bench.ours import UP, Ours
from tools.bench.shell import DEPLOY, Shell
from tools.bench.table import compared, markdown, spread
from tools.bench.testbed import FIRST_TAG, Echo, Testbed, delivered, image, last_lines

NOTES = """\
From the start of the command to its end with an error, median of {repetitions} with the quartiles; the shell pipeline's
`helm upgrade --atomic --timeout 5m` {shell}. At the end the cluster has the old image again, for both.
It is the frontend's image that is bad."""

GOAL = 0.1
HELM_TIMEOUT_SECONDS = 300.0

APP = "frontend"  # a bad backend fails in its migrations, which have a deadline of their own

# The image's tag with which the embedded cluster simulates it, and the word for it that an error has to have.
CAUSES: Mapping[str, str] = {"missing": "ImagePullBackOff", "crash": "CrashLoopBackOff"}

_REPETITIONS = 3


@dataclass(frozen=True)
class Failure:
    """seconds: until the error; named: whether that names the cause."""

    seconds: float
    named: bool


def measure(bed: Testbed, echo: Echo, *, with_helm: bool) -> str:
    """The table, with its notes, in Markdown; with_helm: whether Helm's five minutes are waited for.

    Raises UserError where a bad release succeeds, or is not taken back.
    """
    ours = Ours(bed)
    ours.deploy()
    shell = _failed_shell(bed, echo) if with_helm else Failure(HELM_TIMEOUT_SECONDS, named=False)
    rows: list[Sequence[str]] = []
    for tag, cause in CAUSES.items():
        failures: list[Failure] = []
        for _ in range(_REPETITIONS):
            ours.set_image(APP, tag)
            failures.append(_failed(ours.project, UP, cause))
            echo(f"{cause}: this program's error after {failures[-1].seconds:.1f} s")
        seconds = [failure.seconds for failure in failures]
        named = _yes(all(failure.named for failure in failures))
        rows.append([cause, str(spread(seconds)), named, f"{shell.seconds:.0f} s", _yes(shell.named),
                     *compared(seconds, [shell.seconds], GOAL)])  # fmt: skip
    titles = ["cause", "this program", "names it", "shell pipeline", "names it", "ratio", "goal", "met"]
    how = "was measured once" if with_helm else "was not measured: it is what it waits at least"
    return f"{markdown(titles, rows)}\n\n{NOTES.format(repetitions=_REPETITIONS, shell=how)}"


def _failed_shell(bed: Testbed, echo: Echo) -> Failure:
    shell = Shell(bed)
    shell.copy_dapr_components()
    shell.deploy()
    tag, cause = next(iter(CAUSES.items()))
    shell.set_image(APP, tag)
    echo("the shell pipeline waits for its five minutes")
    failure = _failed(shell.project, DEPLOY, cause)
    echo(f"{cause}: the shell pipeline's error after {failure.seconds:.1f} s")
    return failure


def _failed(project: Project, command: Sequence[str], cause: str) -> Failure:
    begun = time.monotonic()
    outcome = project.run(*command)
    seconds = time.monotonic() - begun
    if outcome.code == 0:
        raise UserError(f"`{' '.join(command[:2])}` succeeded with a release that cannot:\n{last_lines(outcome.text)}")
    if (left := delivered(project).frontend) != image(APP, FIRST_TAG):
        raise UserError(f"`{' '.join(command[:2])}` failed and left {left}:\n{last_lines(outcome.text)}")
    return Failure(seconds, cause in outcome.text)


def _yes(truth: bool) -> str:  # noqa: FBT001 (it is what is told)
    return "yes" if truth else "no"
