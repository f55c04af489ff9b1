import pytest

from delivery.rollback import plan
from tests.support.pulumi_command import PulumiCommand, with_secrets
from tests.support.rollbacks import NEW, Rollback, pinned

pytestmark = pytest.mark.usefixtures("crane")


def target(to: plan.Target = None) -> int:
    return plan.choose("oke", to, plan.Extent()).target.version


@pytest.mark.parametrize(
    ("verified", "to", "version"),
    [
        pytest.param("", None, 2, id="the last that succeeded"),
        pytest.param("1", None, 1, id="the last verified"),
        pytest.param("5 1", None, 1, id="not the current one"),
        pytest.param("1", "verified", 1, id="verified on request"),
        pytest.param("2 1", "verified", 2, id="the latest verified"),
        pytest.param("1", 2, 2, id="by its version"),
    ],
)
def test_target_is_a_good_update(
    commits: list[str], pulumi: PulumiCommand, verified: str, to: plan.Target, version: int
) -> None:
    failed, refresh = {**pinned(commits[2]), "result": "failed"}, {**pinned(commits[2]), "kind": "refresh"}
    pulumi.made(pinned(commits[0]), pinned(commits[1]), failed, refresh, pinned(commits[2]))
    pulumi.tagged(verified)

    assert target(to) == version


@pytest.mark.parametrize(("result", "version"), [("succeeded", 1), ("failed", 2)])
def test_update_that_was_rolled_back_is_not_good(
    commits: list[str], pulumi: PulumiCommand, result: str, version: int
) -> None:
    message = f"roll back to update 1 (commit {commits[0][:7]}) from update 2"
    rollback = {**pinned(commits[2]), "message": message, "result": result}
    pulumi.made(pinned(commits[0]), pinned(commits[1], NEW), rollback)

    assert target() == version


def test_message_of_every_rollback_marks_the_update_that_it_left(commits: list[str], pulumi: PulumiCommand) -> None:
    update = with_secrets(pinned(commits[0]), kafkaPassword="any")
    for scope in ("app", "full"):
        for secrets in ("today", "then"):
            pulumi.made(update, update)
            rollback = plan.choose("oke", 1, plan.Extent(scope, secrets))
            pulumi.made(update, update, {**update, "message": rollback.message})
            assert target() == 1


@pytest.mark.parametrize(
    ("updates", "verified", "arguments"),
    [
        (0, "", []),
        (1, "", []),
        (2, "", ["--to=3"]),
        (2, "", ["--to=-1"]),
        (3, "", ["--to=verified"]),
        (3, "3", ["--to=verified"]),
    ],
)
def test_missing_target_is_an_error(
    pulumi: PulumiCommand, roll_back: Rollback, updates: int, verified: str, arguments: list[str]
) -> None:
    pulumi.made(*[pinned("1c" * 20)] * updates)
    pulumi.tagged(verified)

    hint = "python -m delivery history --stack oke" if updates else "pulumi up --stack oke"
    assert roll_back(*arguments, code=1).endswith(f"hint: {hint}\n")
    assert not any(call.startswith(("up", "preview")) for call in pulumi.calls)


def test_secrets_keep_todays_values(commits: list[str], pulumi: PulumiCommand, roll_back: Rollback) -> None:
    past = with_secrets(pinned(commits[0]), kafkaPassword="canary-past", cohereApiKey="same", databaseUrl="past only")
    pulumi.made(past, pinned(commits[0]))
    pulumi.has_secrets(kafkaPassword="canary-today", cohereApiKey="same", registryToken="new")

    printed = roll_back()

    notes = [line for line in printed.splitlines() if line.startswith("note ")]
    for key in ("kafkaPassword", "databaseUrl", "registryToken"):
        assert any(key in note for note in notes)
    assert pulumi.secrets_set == []
    assert roll_back.config["todo-oke:kafkaPassword"] == {"secure": "v1:today"}


def test_secrets_get_their_past_values_on_request(
    commits: list[str], pulumi: PulumiCommand, roll_back: Rollback
) -> None:
    past = with_secrets(pinned(commits[0]), kafkaPassword="canary-past", cohereApiKey="same", obsolete="setting")
    pulumi.made(past, pinned(commits[0]))
    pulumi.has_secrets(kafkaPassword="canary-today", cohereApiKey="same")

    assert "note  kafkaPassword has changed since, and gets the value of update 1\n" in roll_back("--with-secrets")
    assert pulumi.secrets_set == ["kafkaPassword=canary-past"]
    assert " from update 2 with its secrets --stack" in pulumi.updated[0]


def test_unreadable_secrets_cannot_be_restored(commits: list[str], pulumi: PulumiCommand, roll_back: Rollback) -> None:
    past = with_secrets(pinned(commits[0]), kafkaPassword="ERROR_UNABLE_TO_DECRYPT")
    pulumi.made(past, pinned(commits[0]))

    printed = roll_back("--with-secrets", code=1)

    assert "kafkaPassword" in printed
    assert printed.endswith("hint: python -m delivery rollback --stack oke --to 1\n")
    assert pulumi.updated == []
