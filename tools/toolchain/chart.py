"""Put the pinned Helm charts into the cache: from their publishers, or packed from their Go modules."""

import json
import subprocess
import zipfile
from pathlib import Path, PurePosixPath

from system.errors import UserError

from .cache import Cache
from .download import Publishers, unpack
from .go import Go, environment
from .pins import PINS_FILE, Chart


def entry(chart: Chart) -> str:
    """Return the name of the chart's entry in the cache, a folder that holds the chart's folder."""
    return f"chart-{chart.name}-{chart.version}-{chart.sha256[:16]}"


def download(chart: Chart, publishers: Publishers, cache: Cache) -> None:
    """Put the publisher's chart into `cache`. Raises like Publishers.file."""
    with cache.staging() as staging:
        unpack(publishers.file(chart.url, chart.sha256, staging), staging)
        cache.publish(staging, entry(chart))


def pack(chart: Chart, go: Go, modules: Path, cache: Cache) -> None:
    """Put the chart of the Go module into `cache`, packed as its publisher packs it. Raises UserError."""
    path_of_archive, module_version = _module_archive(chart, go, modules)
    inside = PurePosixPath(f"{chart.module}@{module_version}", chart.folder)
    replaced: set[str] = set()
    with cache.staging() as staging, zipfile.ZipFile(path_of_archive) as archive:
        for member in map(PurePosixPath, archive.namelist()):
            if not member.is_relative_to(inside):
                continue
            content = archive.read(str(member))
            if member.name in chart.replacements:
                before, after = chart.replacements[member.name]
                if before.encode() in content:
                    replaced.add(member.name)
                content = content.replace(before.encode(), after.encode())
            path = staging / chart.name / member.relative_to(inside)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if missing := chart.replacements.keys() - replaced:
            raise UserError(
                f"The chart {chart.name} in {chart.module} v{chart.version} lacks the text that its replacements in "
                f"{PINS_FILE} name, in {', '.join(sorted(missing))}."
            )
        cache.publish(staging, entry(chart))


def _module_archive(chart: Chart, go: Go, modules: Path) -> tuple[Path, str]:
    """Return the module's archive in Go's cache, verified by the go.sum in tools/go, and its version there."""
    answer = subprocess.run(
        [go.command, "mod", "download", "-json", chart.module],
        cwd=modules / chart.name,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        reason = (answer.stderr or json.loads(answer.stdout or "{}").get("Error", "")).strip().splitlines()[-1:]
        raise UserError(
            f"go cannot download {chart.module} v{chart.version}: {''.join(reason)}",
            "export GOPROXY=https://proxy.golang.org,direct",
        )
    module = json.loads(answer.stdout)
    return Path(module["Zip"]), module["Version"]
