"""The Kubernetes provider of a killed engine: it continues, with Helm in it, until it misses the engine.

It looks for the engine every five minutes.
Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/go/common/util/rpcutil/health.go
"""

from pathlib import Path

import psutil

from delivery.recover.finding import Finding
from system.errors import UserError

_PROVIDER = "pulumi-resource-kubernetes"
_TIMEOUT = 10  # seconds


def find() -> Finding | None:
    """Return a provider that was started in this folder, or below it by a full rollback, and whose engine is gone."""
    for process in psutil.process_iter(["name", "cwd"]):
        if process.info["name"] == _PROVIDER and _is_ours(process.info["cwd"]) and _is_orphan(process):
            return _finding(process)
    return None


def _is_ours(folder: str | None) -> bool:
    return folder is not None and Path(folder).is_relative_to(Path.cwd())  # None of another user's process


def _is_orphan(provider: psutil.Process) -> bool:
    try:
        engine = provider.parent()
        return engine is None or engine.name() != "pulumi"
    except psutil.NoSuchProcess:  # the engine ended just now
        return True


def _finding(provider: psutil.Process) -> Finding:
    return Finding(
        problem=f"The Kubernetes provider of a killed update still runs, with Helm in it (pid {provider.pid}).",
        cause="Only the engine was killed. Its provider continues for up to five minutes.",
        action="The provider is terminated, so that it changes nothing during the next repairs.",
        command=["kill", str(provider.pid)],
        repair=lambda: _terminate(provider),
    )


def _terminate(process: psutil.Process) -> None:
    try:
        process.terminate()
        process.wait(_TIMEOUT)
    except psutil.NoSuchProcess:
        pass
    except psutil.AccessDenied:
        raise UserError(f"Process {process.pid} belongs to another user.", f"sudo kill {process.pid}") from None
    except psutil.TimeoutExpired:
        raise UserError(f"Process {process.pid} does not end.", f"kill -KILL {process.pid}") from None
