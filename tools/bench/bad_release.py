"""Measure how long a release that cannot become ready takes to fail, and whether the error names the cause."""

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
Seconds until the command fails: median of {repetitions} with the quartiles. The shell pipeline's
`helm upgrade --atomic --timeout 5m` {shell}. Both restore the old image. The bad image is the frontend's."""

GOAL = 0.1
HELM_TIMEOUT_SECONDS = 300.0

APP = "frontend"  # a bad backend fails in its migrations, which have their own deadline

# Tags whose failure the embedded cluster simulates, and the reason that the error must name.
CAUSES: Mapping[str, str] = {"missing": "ImagePullBackOff", "crash": "CrashLoopBackOff"}

_REPETITIONS = 3


@dataclass(frozen=True)
class Failure:
    """A failed command."""

    seconds: float  # until it failed
    named: bool  # the error names the cause


def measure(bed: Testbed, echo: Echo, *, with_helm: bool) -> str:
    """Return the table and its notes in Markdown. with_helm: measure Helm's timeout of 5 minutes too.

    Raises UserError where a bad release succeeds or is not rolled back.
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
    how = "was measured once" if with_helm else "was not measured: 5 minutes are its timeout"
    return f"{markdown(titles, rows)}\n\n{NOTES.format(repetitions=_REPETITIONS, shell=how)}"


def _failed_shell(bed: Testbed, echo: Echo) -> Failure:
    shell = Shell(bed)
    shell.copy_dapr_components()
    shell.deploy()
    tag, cause = next(iter(CAUSES.items()))
    shell.set_image(APP, tag)
    echo("the shell pipeline runs into its timeout of 5 minutes")
    failure = _failed(shell.project, DEPLOY, cause)
    echo(f"{cause}: the shell pipeline's error after {failure.seconds:.1f} s")
    return failure


def _failed(project: Project, command: Sequence[str], cause: str) -> Failure:
    begun = time.monotonic()
    outcome = project.run(*command)
    seconds = time.monotonic() - begun
    if outcome.code == 0:
        raise UserError(f"`{' '.join(command[:2])}` succeeded with a bad release:\n{last_lines(outcome.text)}")
    if (found := delivered(project).frontend) != image(APP, FIRST_TAG):
        raise UserError(f"`{' '.join(command[:2])}` did not roll back {found}:\n{last_lines(outcome.text)}")
    return Failure(seconds, cause in outcome.text)


def _yes(value: bool) -> str:  # noqa: FBT001 (a value, not an option)
    return "yes" if value else "no"
