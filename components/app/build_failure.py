"""The output of a failed image build, which the docker-build provider loses: it names the failed step alone.

The provider logs the output after its response, when the engine no longer listens (pulumi-docker-build 0.0.22).
"""

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence

import pulumi

from system.process import environment_for

# BuildKit's words for a step with another exit code than 0; its other errors explain themselves.
_STEP_FAILED = "did not complete successfully"
# Separates the log of a build from the failed step's log.
_RULE = "------"
_LINES = 30


def failed_step_hook(
    name: str, context: str, platforms: Sequence[str], build_args: Mapping[str, str], *, resource: pulumi.Resource
) -> pulumi.ErrorHook:
    """Return a hook that logs the last lines of a failed step on the resource.

    It builds again without the provider: only the failed step runs, as the steps before it are cached.
    Source: https://www.pulumi.com/docs/iac/concepts/options/hooks/
    """
    arguments = ["docker", "buildx", "build", "--progress=plain", "--output=type=cacheonly"]
    arguments += [f"--platform={','.join(platforms)}"]
    arguments += [part for key, value in build_args.items() for part in ("--build-arg", f"{key}={value}")]
    arguments += [context]

    async def explain(hook: pulumi.ErrorHookArgs) -> bool:
        if any(_STEP_FAILED in error for error in hook.errors):
            pulumi.log.error(await _last_lines(arguments), resource=resource)
        return False  # no retry: the next update builds again

    return pulumi.ErrorHook(f"{name}-explain", explain)


async def _last_lines(arguments: Sequence[str]) -> str:
    reproduce = f"Build the image again to see what the step printed.\nhint: {shlex.join(arguments)}"
    try:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            env=environment_for("docker", os.environ),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
    except OSError:  # an explanation must not break an update
        return reproduce
    log = (await process.communicate())[1].decode(errors="replace")
    _, rule, step = log.partition(f"\n{_RULE}\n")
    if process.returncode == 0 or not rule:
        return reproduce
    return "\n".join(step.strip().splitlines()[-_LINES:])
