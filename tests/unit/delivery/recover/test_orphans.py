from pathlib import Path

import psutil
import pytest

from tests.support.stuck_stack import StuckStack

PROBLEM = "The Kubernetes provider of a killed update still runs"


@pytest.fixture(autouse=True)
def project(stack: StuckStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, while Helm is in the middle of an upgrade."""
    monkeypatch.chdir(tmp_path)
    stack.has_revisions("deployed", "pending-upgrade")
    stack.has_revisions("deployed", by="helm")
    return tmp_path


@pytest.mark.parametrize("folder", [".", ".local/rollback/checkout"])
def test_provider_of_a_killed_update_is_terminated_before_helm_runs(stack: StuckStack, folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    with stack.provider(Path(folder)) as provider:
        printed = stack.recover()

        assert printed.index(f"{PROBLEM}, with Helm in it (pid {provider.pid})") < printed.index("is in the middle of")
        assert not psutil.pid_exists(provider.pid)


def test_provider_of_a_running_engine_or_another_project_is_kept(
    stack: StuckStack, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        stack.provider(Path(), engine="pulumi") as running,
        stack.provider(tmp_path_factory.mktemp("another")) as stranger,
    ):
        assert PROBLEM not in stack.recover()
        assert (running.poll(), stranger.poll()) == (None, None)
