"""Known vulnerabilities keep an image from being released: Trivy looks before the app's Helm release is changed."""

import asyncio
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from settings.names import APPS
from system.errors import UserError
from system.process import environment_for

# Told from Trivy's own failures, after which it exits with 1.
_FOUND = 10
_LINES = 60


def scan_hook(
    name: str, severities: Sequence[str], platforms: Sequence[str], *, told_on: pulumi.Resource
) -> pulumi.ResourceHook:
    """Stops a Helm release before it is made or changed, where an image that is new in it is vulnerable.

    An image that runs already is not looked at again: to stop an unrelated change, or the mend of the other image,
    would leave the cluster as vulnerable as it is.

    severities: those that stop it, like HIGH; only vulnerabilities that have a fix do. platforms: like linux/arm64.
    told_on: the resource that the findings are told on.
    Source: https://www.pulumi.com/docs/iac/concepts/options/hooks/
    """

    async def scan(hook: pulumi.ResourceHookArgs) -> None:
        released = _images(hook.old_inputs)
        vulnerable: list[str] = []
        for image in (image for image in _images(hook.new_inputs) if image not in released):
            # One after the other, because two processes cannot use Trivy's cache at once.
            for platform in platforms:
                findings = await _scan(image, platform, severities)
                if findings is not None:
                    vulnerable.append(f"{image} ({platform})")
                    pulumi.log.error(findings, resource=told_on)
        if vulnerable:
            raise UserError(
                f"Not released: newer versions mend what Trivy found in {', '.join(vulnerable)}. "
                "Bring the packages in its table up to date.\n"
                '    pulumi config set imageScan ""    to release all the same'
            )

    return pulumi.ResourceHook(f"{name}-scan", scan)


async def _scan(image: str, platform: str, severities: Sequence[str]) -> str | None:
    """The table of what Trivy finds in an image, or None where that is nothing.

    Source: https://trivy.dev/docs/latest/guide/references/configuration/cli/trivy_image/
    """
    options = {
        "--scanners": "vuln",
        "--severity": ",".join(severities),
        "--platform": platform,
        "--image-src": "remote",  # what is in the registry, never what a local engine has
        "--exit-code": f"{_FOUND}",
        "--format": "table",
    }
    arguments = ["image", "--quiet", "--ignore-unfixed", *(part for option in options.items() for part in option)]
    trivy = shutil.which("trivy")
    if trivy is None:
        raise UserError(
            "Trivy is not on PATH, and imageScan is set: no image is released before it is scanned.\n"
            "    brew install trivy                https://trivy.dev/docs/latest/getting-started/installation/\n"
            '    pulumi config set imageScan ""    to release without a scan'
        )
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
            f"Not released: Trivy could not scan {image} ({platform}): {errors.strip()[-1000:]}\n"
            f"    {shlex.join(['trivy', *arguments, image])}    shows the same error until it is mended"
        )
    lines = output.strip().splitlines()
    more = [f"… and {len(lines) - _LINES} lines more"] if len(lines) > _LINES else []
    return "\n".join([*lines[:_LINES], *more])


def _images(inputs: Mapping[str, Any] | None) -> list[str]:
    """The images in a Helm release's values."""
    values = (inputs or {}).get("values") or {}
    return [values[app]["image"] for app in APPS if app in values]
