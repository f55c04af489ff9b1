"""The vulnerability scan by Trivy that an image must pass before the app's Helm release changes."""

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from settings.names import APPS
from system.errors import UserError
from system.process import environment_for, find, not_found

# Exit code for findings; Trivy's own failures exit with 1.
_FOUND = 10
_LINES = 60


def scan_hook(
    name: str, severities: Sequence[str], platforms: Sequence[str], *, resource: pulumi.Resource
) -> pulumi.ResourceHook:
    """Return a hook that stops a Helm release with a vulnerable new image, and logs the findings on the resource.

    It skips images that run already: to stop an unrelated change, or a fix of the other image, would leave the cluster
    as vulnerable as before. Only vulnerabilities with a fix count.

    severities: such as HIGH. platforms: such as linux/arm64. The hook raises UserError.
    Source: https://www.pulumi.com/docs/iac/concepts/options/hooks/
    """

    async def scan(hook: pulumi.ResourceHookArgs) -> None:
        released = _images(hook.old_inputs)
        vulnerable: list[str] = []
        for image in (image for image in _images(hook.new_inputs) if image not in released):
            for platform in platforms:  # one at a time: two processes cannot share Trivy's cache
                findings = await _scan(image, platform, severities)
                if findings is not None:
                    vulnerable.append(f"{image} ({platform})")
                    pulumi.log.error(findings, resource=resource)
        if vulnerable:
            raise UserError(
                f"Not released, because Trivy found vulnerabilities in {', '.join(vulnerable)}: upgrade the packages "
                "in its table, or turn the scan off.",
                'pulumi config set imageScan ""',
            )

    return pulumi.ResourceHook(f"{name}-scan", scan)


async def _scan(image: str, platform: str, severities: Sequence[str]) -> str | None:
    """Return Trivy's table of an image's vulnerabilities, or None if it finds none.

    Source: https://trivy.dev/docs/latest/guide/references/configuration/cli/trivy_image/
    """
    options = {
        "--scanners": "vuln",
        "--severity": ",".join(severities),
        "--platform": platform,
        "--image-src": "remote",  # the registry's image, never one of a local engine
        "--exit-code": f"{_FOUND}",
        "--format": "table",
    }
    arguments = ["image", "--quiet", "--ignore-unfixed", *(part for option in options.items() for part in option)]
    trivy = find("trivy", os.environ)
    if trivy is None:
        raise not_found("trivy")
    process = await asyncio.create_subprocess_exec(
        trivy,
        *arguments,
        image,
        env=environment_for("trivy", os.environ),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = (stream.decode(errors="replace") for stream in await process.communicate())
    if process.returncode == 0:
        return None
    if process.returncode != _FOUND:
        raise UserError(
            f"Not released, because Trivy could not scan {image} ({platform}): {errors.strip()[-1000:]}",
            shlex.join(["trivy", *arguments, image]),
        )
    lines = output.strip().splitlines()
    more = [f"… and {len(lines) - _LINES} lines more"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *more])


def _images(inputs: Mapping[str, Any] | None) -> list[str]:
    """Return the images in a Helm release's values."""
    values = (inputs or {}).get("values") or {}
    return [values[app]["image"] for app in APPS if app in values]
