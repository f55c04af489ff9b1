"""Estimate the workflow's critical path: measure each step that also runs on a laptop, one by one."""

import subprocess
import time
from collections.abc import Mapping, Sequence

from system.errors import UserError
from tests.support.project import ROOT
from tools.bench.ours import PREVIEW, Ours
from tools.bench.table import markdown
from tools.bench.testbed import Echo, last_lines, testbed, timed

# The parallel jobs that the deployment in .github/workflows/deploy-oke.yml needs, and their steps.
TESTS: Mapping[str, Sequence[str]] = {
    "test": ("lint", "coverage"),
    "app": ("together",),
    "integration (1)": ("integration PART=1",),
    "integration (2)": ("integration PART=2",),
}

# Needs a registry and runners, so this is the document's figure.
BUILD_AND_PUSH_SECONDS = 4 * 60

NOTES = """\
Each step ran alone on this machine, with the toolchain and the packages installed. The test jobs run in parallel.
Not measured: a runner's start, checkout and cache restore. The image builds count as the document's 4 minutes.
`up` and `verify` ran on the embedded cluster, where pods are ready at once. The document estimates about 9 minutes."""


def measure(echo: Echo) -> str:
    """Return the table and its notes in Markdown. Raises UserError where a step fails."""
    rows: list[Sequence[str]] = []
    jobs: dict[str, float] = {}
    for job, steps in TESTS.items():
        taken = {f"`make {step}`": _made(step, echo) for step in steps}
        jobs[job] = sum(taken.values())
        rows += [[job, step, _text(seconds)] for step, seconds in taken.items()]
    deploy = _deployed(echo)
    rows += [["deploy", step, _text(seconds)] for step, seconds in deploy.items()]
    longest = max(jobs, key=lambda job: jobs[job])
    total = jobs[longest] + sum(deploy.values())
    rows.append(["", f"**{longest}, then deploy**", f"**{_text(total)}**"])
    return f"{markdown(['job', 'step', 'takes'], rows)}\n\n{NOTES}"


def _made(target: str, echo: Echo) -> float:
    begun = time.monotonic()
    done = subprocess.run(
        ["make", *target.split()],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    seconds = time.monotonic() - begun
    if done.returncode != 0:
        raise UserError(f"`make {target}` failed:\n{last_lines(done.stdout)}")
    echo(f"make {target}: {seconds:.0f} s")
    return seconds


def _deployed(echo: Echo) -> Mapping[str, float]:
    with testbed() as bed:
        ours = Ours(bed)
        ours.deploy()
        ours.set_image("backend", "sha-0000001")
        taken = {
            "building and pushing two images": float(BUILD_AND_PUSH_SECONDS),
            "`pulumi preview --refresh`": timed(ours.project, *PREVIEW, "--refresh"),
            "`pulumi up --refresh`": ours.deploy_on_main(),
            "`delivery verify`": timed(ours.project, "python", "-m", "delivery", "verify", "--stack", "local"),
        }
    echo(", ".join(f"{step}: {seconds:.0f} s" for step, seconds in taken.items()))
    return taken


def _text(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
