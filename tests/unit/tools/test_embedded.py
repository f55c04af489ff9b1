"""The embedded cluster's command, with fakes of the programs that it runs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.toolchain.fakes import executable

EMBEDDED = Path(__file__).resolve().parents[3] / "tools" / "embedded"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kwok", "kubectl")


@pytest.mark.parametrize("name", ["app", "my app"])
def test_kwokctl_gets_a_path_without_a_space(tmp_path: Path, name: str) -> None:
    for program in PROGRAMS:
        executable(tmp_path / "bin" / program, "")
    kwokctl = tmp_path / "bin" / "kwokctl"
    kwokctl.write_text('#!/bin/sh\nmkdir -p "$KWOK_WORKDIR/clusters/embedded"\n')
    with kwokctl.open("a") as script:
        script.write(f"echo \"$KWOK_WORKDIR\" >> '{tmp_path}/workdirs'\n")
        script.write('[ "$1" = create ] && touch "$6" || true\n')
    kwokctl.chmod(0o755)
    folder = tmp_path / name / "cluster"
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "HOME": str(tmp_path)}

    for command in ("up", "down"):
        subprocess.run([sys.executable, EMBEDDED, command, folder], env=environment, check=True, timeout=60)

    assert " " not in (tmp_path / "workdirs").read_text()
    assert not folder.exists()
    assert not list((tmp_path / ".cache").glob("todo-oke/clusters/*"))
