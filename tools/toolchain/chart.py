"""The pinned Helm charts as folders in the cache: their publishers' archives, or packed from their Go modules."""

import json
import subprocess
import zipfile
from pathlib import Path, PurePosixPath

from .cache import Cache
from .download import Publishers, unpack
from .errors import BootstrapError
from .go import Go, environment
from .pins import PINS_FILE, Chart


def entry(chart: Chart) -> str:
    """The chart's entry in the cache, which holds a folder of the chart's name."""
    return f"chart-{chart.name}-{chart.version}-{chart.sha256[:16]}"


def download(chart: Chart, publishers: Publishers, cache: Cache) -> None:
    """Puts the publisher's chart into `cache`. Raises as Publishers.file does."""
    with cache.staging() as staging:
        unpack(publishers.file(chart.url, chart.sha256, staging), staging)
        cache.publish(staging, entry(chart))


def pack(chart: Chart, go: Go, modules: Path, cache: Cache) -> None:
    """Puts the chart of the Go module into `cache`, as its publisher would have packed it."""
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
            raise BootstrapError(
                f"the {chart.name} chart in {chart.module} v{chart.version} is not as {PINS_FILE} expects it "
                f"({', '.join(sorted(missing))}): correct the chart's replacements there."
            )
        cache.publish(staging, entry(chart))


def _module_archive(chart: Chart, go: Go, modules: Path) -> tuple[Path, str]:
    """The module's archive in Go's own cache, and its version there; go verifies it by the go.sum in tools/go."""
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
        raise BootstrapError(
            f"go cannot download {chart.module} v{chart.version} ({''.join(reason)}): make a module proxy reachable "
            "(GOPROXY), and run this again."
        )
    module = json.loads(answer.stdout)
    return Path(module["Zip"]), module["Version"]
