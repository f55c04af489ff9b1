"""The embedded cluster: `python tools/embedded up|down FOLDER`.

A real control plane (etcd, API server, controller manager, scheduler) on this machine, without root or Docker, whose
nodes and pods kwok simulates. Everything that it writes is in FOLDER; FOLDER/kubeconfig leads to it.
Source: https://kwok.sigs.k8s.io/docs/user/kwokctl-manage-cluster/
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
NAME = "embedded"
COMPONENTS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
READY_SECONDS = 120


class EmbeddedClusterError(Exception):
    """The embedded cluster did not start; the message is for the user."""


def up(folder: Path) -> str:
    """Makes the cluster, or starts it again where its processes are gone; says in one line what it found and did.

    Raises EmbeddedClusterError.
    """
    begun = time.monotonic()
    kubeconfig = folder / "kubeconfig"
    if _answers(kubeconfig):
        return f"The embedded cluster is running ({kubeconfig})."
    if kubeconfig.exists():
        _kwokctl(folder, "stop", "cluster")  # what is left of it would hold its ports
        _kwokctl(folder, "start", "cluster", "--wait", f"{READY_SECONDS}s")
        return f"The embedded cluster is running again after {time.monotonic() - begun:.0f} s ({kubeconfig})."
    down(folder)  # what an interrupted start left behind
    folder.mkdir(parents=True)
    made = folder / "kubeconfig.new"
    binaries = [argument for name in COMPONENTS for argument in (f"--{name}-binary", _binary(name))]
    with _alone():
        _kwokctl(
            folder, "create", "cluster", "--config", str(HERE / "cluster.yaml"), "--kubeconfig", str(made),
            "--kwok-controller-binary", _binary("kwok"), *binaries, "--wait", f"{READY_SECONDS}s",
        )  # fmt: skip
    _kubectl(made, "apply", "--filename", str(HERE / "nodes.yaml"))
    _kubectl(made, "wait", "node", "--all", "--for", "condition=Ready", "--timeout", f"{READY_SECONDS}s")
    made.rename(kubeconfig)
    return f"The embedded cluster is ready after {time.monotonic() - begun:.0f} s ({kubeconfig})."


@contextmanager
def _alone() -> Generator[None]:
    """Lets nobody else make a cluster meanwhile: kwokctl chooses ports that are free, and takes them later."""
    # kwokctl itself is what all checkouts have in common, so the lock needs no file of its own.
    with Path(_binary("kwokctl")).resolve().open("rb") as kwokctl:
        fcntl.flock(kwokctl, fcntl.LOCK_EX)
        yield


def down(folder: Path) -> str:
    """Ends the cluster's processes and removes the folder; does nothing where there is none."""
    if not folder.exists():
        return "There is no embedded cluster."
    if (folder / "clusters" / NAME).exists():
        _kwokctl(folder, "delete", "cluster", "--kubeconfig", str(folder / "kubeconfig"))
    shutil.rmtree(folder)
    return "The embedded cluster is gone."


def _answers(kubeconfig: Path) -> bool:
    if not kubeconfig.exists():
        return False
    try:
        _kubectl(kubeconfig, "get", "--raw", "/readyz", "--request-timeout", "5s")
    except EmbeddedClusterError:
        return False
    return True


def _kwokctl(folder: Path, *arguments: str) -> None:
    _run(["kwokctl", *arguments, "--name", NAME], {**os.environ, "KWOK_WORKDIR": str(folder.resolve())})


def _kubectl(kubeconfig: Path, *arguments: str) -> None:
    _run(["kubectl", "--kubeconfig", str(kubeconfig), *arguments], {**os.environ})


def _run(command: Sequence[str], environment: dict[str, str]) -> None:
    done = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-10:])
        raise EmbeddedClusterError(f"{' '.join(command[:3])} failed:\n{last}")


def _binary(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise EmbeddedClusterError(f"{name} is not on PATH: run `make tools` first.")
    return path


def main() -> int:
    parser = argparse.ArgumentParser(prog="embedded", description=(__doc__ or "").splitlines()[0])
    commands = {"up": up, "down": down}
    parser.add_argument("command", choices=commands)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    try:
        print(commands[arguments.command](arguments.folder))
    except EmbeddedClusterError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
