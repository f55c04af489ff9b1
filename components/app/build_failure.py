"""What a failed step of an image's build printed: the docker-build provider names the step and loses its output.

It logs the output after it has answered, when the engine no longer listens (seen with 0.0.22, each time).
"""

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence

import pulumi

from system.process import environment_for

# BuildKit's words for a step that ended with another exit code than 0; all other errors say enough by themselves.
_A_STEP_FAILED = "did not complete successfully"
# Stands between the log of a build and the end of the failed step's log.
_RULE = "------"
_LINES = 30


def failed_step_hook(
    name: str, context: str, platforms: Sequence[str], build_args: Mapping[str, str], *, told_on: pulumi.Resource
) -> pulumi.ErrorHook:
    """Tells the last lines of the step at which a build failed: it runs again, alone, as the ones before are cached.

    Source: https://www.pulumi.com/docs/iac/concepts/options/hooks/
    """
    arguments = ["docker", "buildx", "build", "--progress=plain", "--output=type=cacheonly"]
    arguments += [f"--platform={','.join(platforms)}"]
    arguments += [part for key, value in build_args.items() for part in ("--build-arg", f"{key}={value}")]
    arguments += [context]

    async def explain(hook: pulumi.ErrorHookArgs) -> bool:
        if any(_A_STEP_FAILED in error for error in hook.errors):
            pulumi.log.error(await _last_lines(arguments), resource=told_on)
        return False  # a build is tried once: the next try is the next update

    return pulumi.ErrorHook(f"{name}-explain", explain)


async def _last_lines(arguments: Sequence[str]) -> str:
    shown_by = f"What the step printed is shown by\n    {shlex.join(arguments)}"
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            env=environment_for("docker", os.environ),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError:  # to tell the cause must never be what breaks an update
        return shown_by
    log = (await process.communicate())[1].decode(errors="replace")
    _, rule, step = log.partition(f"\n{_RULE}\n")
    if process.returncode == 0 or not rule:
        return shown_by
    return "\n".join(step.strip().splitlines()[-_LINES:])
