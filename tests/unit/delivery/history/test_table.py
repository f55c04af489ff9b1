import json

from tests.support.checkout import Checkout
from tests.support.command_line import Delivery
from tests.support.pulumi_command import PulumiCommand, update, with_secrets

VALUES = "values.yaml"
CANARY = "canary-password"
IMAGES = {"frontendImage": f"ghcr.io/o/f:v1@sha256:{'1a' * 32}", "backendImage": "localhost:5000/o/b:v2"}


def test_each_update_is_a_line(commit: str, pulumi: PulumiCommand, delivery: Delivery) -> None:
    good = update(commit, imageSource="pinned", valuesFile=VALUES, **IMAGES)
    refresh = {**good, "kind": "refresh", "resourceChanges": {"same": 32}}
    pulumi.made(update(""), good, refresh, {**good, "result": "failed", "message": "B" * 99})
    pulumi.tagged("2")

    _, *lines = delivery("history")[0].splitlines()

    images = "frontend 1a1a1a1, backend v2"
    assert [[cell.strip() for cell in line.split("  ") if cell][2:-1] for line in lines] == [
        ["failed", commit[:7], "Ann", "(2 updated)", images, "B" * 72],
        ["refresh succeeded", commit[:7], "Ann", "nothing", images, "Lists can be shared"],
        [
            *("verified", commit[:7], "Ann", "frontend image, backend image, chart values, imageSource (2 updated)"),
            *(images, "Lists can be shared"),
        ],
        ["succeeded", "(2 updated)", "Lists can be shared"],
    ]
    assert [line.rpartition("  ")[2].partition(" ")[0] for line in lines] == ["no:", "no:", "yes", "no:"]


def test_count_limits_the_lines(commit: str, pulumi: PulumiCommand, delivery: Delivery) -> None:
    pulumi.made(*[update(commit)] * 12)

    assert [line.split()[0] for line in delivery("history")[0].splitlines()[1:]] == [*map(str, range(12, 2, -1))]
    assert len(delivery("history", "--count", "1")[0].splitlines()) == 2


def test_stack_without_updates_is_an_error(pulumi: PulumiCommand, delivery: Delivery) -> None:
    pulumi.made()

    assert delivery("history", code=1)[1].endswith("hint: pulumi up --stack oke\n")


def test_changes_of_an_update_are_summed_up(
    commit: str, pulumi: PulumiCommand, checkout: Checkout, delivery: Delivery
) -> None:
    later = checkout.commit({VALUES: "replicas: 2\n", "components/app.py": "x", "infra/helm/t.yaml": "x"})
    images = {**IMAGES, "backendImage": "localhost:5000/o/b:v3"}
    first = update(commit, valuesFile=VALUES, nodeCount="2", **IMAGES)
    second = update(later, valuesFile=VALUES, nodeCount="3", host="a", context="b", **images)
    second["resourceChanges"] = {"same": 1, "create": 1, "update": 2, "replace": 3, "delete": 4}
    pulumi.made(with_secrets(first, kafkaPassword=CANARY), with_secrets(second, kafkaPassword=f"{CANARY}-2"))

    changed = "backend image, chart values, 3 settings, kafkaPassword, chart, program"
    counts = "(1 created, 2 updated, 3 replaced, 4 deleted)"
    assert f"  {changed} {counts}  " in delivery("history", "--count", "1")[0]


def test_history_as_json_names_secrets_only(commit: str, pulumi: PulumiCommand, delivery: Delivery) -> None:
    first = with_secrets(update(commit, valuesFile=VALUES, nodeCount="2", **IMAGES), kafkaPassword=CANARY)
    second = with_secrets(update(commit, valuesFile=VALUES, nodeCount="3", **IMAGES), kafkaPassword=f"{CANARY}-2")
    pulumi.made(first, {**second, "result": "failed"})
    pulumi.tagged("1")

    printed, _ = delivery("history", "--json")

    latest, oldest = json.loads(printed)
    assert latest["changed"]["settings"] == ["nodeCount"]
    assert latest["changed"]["secrets"] == ["kafkaPassword"]
    assert (latest["version"], latest["verified"], latest["rollback"]["possible"]) == (2, False, False)
    assert (oldest["commit"], oldest["verified"], oldest["images"]["backend"]) == (commit, True, IMAGES["backendImage"])
    assert oldest["rollback"] == {"possible": True, "reason": None}
    assert CANARY not in printed


def test_history_needs_no_passphrase(commit: str, pulumi: PulumiCommand, delivery: Delivery) -> None:
    pulumi.made(update(commit), update(commit))
    pulumi.has_no_passphrase()

    assert len(delivery("history")[0].splitlines()) == 3
