"""Embedded clusters for tests."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.support.project import ROOT

EMBEDDED = ROOT / "tools/embedded"


@contextmanager
def embedded_cluster(folder: Path) -> Generator[Path]:
    """Start a cluster in a new folder, and yield its kubeconfig."""
    try:
        subprocess.run([sys.executable, EMBEDDED, "up", folder], check=True)
        yield folder / "kubeconfig"
    finally:
        subprocess.run([sys.executable, EMBEDDED, "down", folder], check=True)
