"""The embedded cluster: `python tools/embedded up|down FOLDER`.

A real control plane (etcd, API server, controller manager, scheduler) on this machine, without root or Docker. kwok
simulates its nodes and pods. All its files are in FOLDER, also its kubeconfig.
Source: https://kwok.sigs.k8s.io/docs/user/kwokctl-manage-cluster/
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(1, str(Path(__file__).resolve().parents[2]))

from system.errors import UserError
from system.signals import exit_code, handle_termination

HERE = Path(__file__).parent
NAME = "embedded"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
READY_SECONDS = 120


def up(folder: Path) -> str:
    """Create the cluster, or start it again where its processes ended, and return a line about it. Raises UserError."""
    started = time.monotonic()
    kubeconfig = folder / "kubeconfig"
    if _answers(kubeconfig):
        return f"The embedded cluster is running ({kubeconfig})."
    if kubeconfig.exists():
        _kwokctl(folder, "stop", "cluster")  # its remaining processes would hold its ports
        _kwokctl(folder, "start", "cluster", "--wait", f"{READY_SECONDS}s")
        return f"The embedded cluster is running again after {time.monotonic() - started:.0f} s ({kubeconfig})."
    down(folder)  # after an interrupted start
    folder.mkdir(parents=True)
    new_kubeconfig = folder / "kubeconfig.new"
    binaries = [argument for name in COMPONENTS for argument in (f"--{name}-binary", _binary(name))]
    with _alone():
        _kwokctl(
            folder, "create", "cluster", "--config", str(HERE / "cluster.yaml"), "--kubeconfig", str(new_kubeconfig),
            "--kwok-controller-binary", _binary("kwok"), *binaries, "--wait", f"{READY_SECONDS}s",
        )  # fmt: skip
    _kubectl(new_kubeconfig, "apply", "--filename", str(HERE / "nodes.yaml"))
    _kubectl(new_kubeconfig, "wait", "node", "--all", "--for", "condition=Ready", "--timeout", f"{READY_SECONDS}s")
    new_kubeconfig.rename(kubeconfig)
    return f"The embedded cluster is ready after {time.monotonic() - started:.0f} s ({kubeconfig})."


@contextmanager
def _alone() -> Generator[None]:
    """Create one cluster at a time: kwokctl chooses free ports, and uses them later."""
    # All checkouts share kwokctl, so it serves as the lock's file.
    with Path(_binary("kwokctl")).resolve().open("rb") as kwokctl:
        fcntl.flock(kwokctl, fcntl.LOCK_EX)
        yield


def down(folder: Path) -> str:
    """End the cluster's processes, remove the folder, and return a line about it. Raises UserError."""
    if not folder.exists():
        return "There is no embedded cluster."
    if (folder / "clusters" / NAME).exists():
        _kwokctl(folder, "delete", "cluster", "--kubeconfig", str(folder / "kubeconfig"))
    workdir = _workdir(folder.resolve())
    shutil.rmtree(folder)
    if workdir.is_symlink():
        workdir.unlink()
    return "The embedded cluster is gone."


def _answers(kubeconfig: Path) -> bool:
    if not kubeconfig.exists():
        return False
    try:
        _kubectl(kubeconfig, "get", "--raw", "/readyz", "--request-timeout", "5s")
    except UserError:
        return False
    return True


def _workdir(folder: Path) -> Path:
    """Return the folder, or a link to it where its path has a space: kwokctl would cut it there."""
    if " " not in str(folder):
        return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    link = cache / "todo-oke" / "clusters" / hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(folder)
    return link


def _kwokctl(folder: Path, *arguments: str) -> None:
    _run(["kwokctl", *arguments, "--name", NAME], {**os.environ, "KWOK_WORKDIR": str(_workdir(folder.resolve()))})


def _kubectl(kubeconfig: Path, *arguments: str) -> None:
    _run(["kubectl", "--kubeconfig", str(kubeconfig), *arguments], {**os.environ})


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-10:])
        raise UserError(f"`{' '.join(command[:3])}` failed with exit code {done.returncode}:\n{last}")


def _binary(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise UserError(f"{name} is not on PATH.", "make tools && export PATH=$PWD/.tools/bin:$PATH")
    return str(Path(path).resolve())  # in the cache, wherever this checkout is


def main() -> int:
    parser = argparse.ArgumentParser(prog="embedded", description=(__doc__ or "").splitlines()[0])
    commands = {"up": up, "down": down}
    parser.add_argument("command", choices=commands)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    handle_termination()
    try:
        print(commands[arguments.command](arguments.folder))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interrupt:
        return exit_code(interrupt)
    return 0


if __name__ == "__main__":
    sys.exit(main())
