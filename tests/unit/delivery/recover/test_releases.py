from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.support import example
from tests.support.stuck_stack import BASE, COMPONENT, PROVIDER, RELEASE, RELEASED, StuckStack


@pytest.mark.parametrize(
    ("before", "target"),
    [
        (["superseded", "deployed", "failed", "pending-upgrade"], 2),
        (["superseded", "deployed", "failed", "pending-rollback"], 2),
        (["superseded", "superseded", "pending-upgrade"], 2),
    ],
)
def test_killed_upgrade_is_rolled_back_to_the_last_deployed_revision(
    stack: StuckStack, before: Sequence[str], target: int
) -> None:
    stack.has_revisions(*before)
    stack.has_revisions("superseded", "deployed", by="helm")

    assert f"(revision {len(before)}, {before[-1]}) since 2026-11-24 02:31:41 UTC" in stack.recover()
    assert stack.changes == [
        f"helm rollback todo-app {target} --namespace todo --wait --timeout 120s --kube-context example"
    ]


def test_helm_gets_a_private_kubeconfig_and_no_secret_of_the_engine(
    stack: StuckStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "canary-passphrase")
    monkeypatch.setenv("OCI_CLI_KEY_CONTENT", "signs-the-token")
    stack.has_revisions("deployed", "pending-upgrade")
    stack.has_revisions("deployed", by="helm")

    printed = stack.recover()

    assert stack.seen_by_helm["mode"].strip() == "-rw-------"
    assert "canary-token" in stack.seen_by_helm["kubeconfig"]
    assert example.CANARY not in printed + stack.seen_by_helm["environment"]
    assert "OCI_CLI_KEY_CONTENT=signs-the-token\n" in stack.seen_by_helm["environment"]  # its kubeconfig needs it


@pytest.mark.parametrize("pending", [[("creating", RELEASED)], []], ids=["known to the engine", "unknown"])
@pytest.mark.parametrize(
    "statuses", [["pending-install"], ["failed", "pending-upgrade"], ["uninstalling"], ["deployed", "uninstalled"]]
)
def test_never_deployed_or_half_deleted_release_is_uninstalled(
    stack: StuckStack, statuses: Sequence[str], pending: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    stack.has_state([*BASE], *pending)
    stack.has_revisions(*statuses)
    stack.has_revisions(by="helm")
    stack.has_state([*BASE], by="helm")

    stack.recover()

    (command,) = stack.changes
    assert command.startswith("helm uninstall todo-app --namespace todo --wait ")


def test_missing_release_is_removed_from_the_state(stack: StuckStack) -> None:
    stack.has_revisions()
    stack.has_state([*BASE], by="refresh")

    stack.recover()

    assert stack.changes == [
        f"pulumi refresh --yes --skip-preview --stack oke --target {RELEASE} --color never --non-interactive"
    ]


def test_release_that_the_state_lost_is_imported(stack: StuckStack) -> None:
    stack.has_state([*BASE])
    stack.plans(RELEASED)
    stack.plans(by="import")

    stack.recover()

    assert stack.changes == [
        "pulumi import kubernetes:helm.sh/v3:Release todo-app todo/todo-app --stack oke "
        f"--parent parent={COMPONENT} --provider provider={PROVIDER} --protect=false --generate-code=false --yes "
        "--skip-preview --color never --non-interactive"
    ]


def test_lost_release_without_its_component_needs_an_update_first(stack: StuckStack) -> None:
    stack.has_state(BASE[:2])
    stack.plans(RELEASED)

    assert stack.recover(code=1).endswith("hint: pulumi up --stack oke\n")
    assert stack.changes == []


@pytest.mark.parametrize(
    ("resources", "revisions", "planned"),
    [
        pytest.param([*BASE, RELEASED], ["deployed", "pending-upgrade", "deployed"], [], id="an old pending revision"),
        pytest.param([*BASE], [], [RELEASED], id="the first install"),
        pytest.param(BASE[:1], ["deployed"], [RELEASED], id="a cluster that the state does not know"),
    ],
)
def test_usual_release_is_not_stuck(
    stack: StuckStack,
    resources: Sequence[dict[str, object]],
    revisions: Sequence[str],
    planned: Sequence[dict[str, object]],
) -> None:
    stack.has_state(resources)
    stack.has_revisions(*revisions)
    stack.plans(*planned)

    assert stack.recover() == "Nothing is stuck.\n"
