import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockMonitor
from pulumi.runtime.proto import resource_pb2
from pydantic import SecretStr

from components.repository.environment import NOTE, DeliveryRepository, DeliveryRepositoryArgs
from tests.support import example
from tests.support.engine import Engine, Resource, Secret

SECRET = "github:index/actionsEnvironmentSecret:ActionsEnvironmentSecret"
VARIABLE = "github:index/actionsEnvironmentVariable:ActionsEnvironmentVariable"
ENVIRONMENT = "github:index/repositoryEnvironment:RepositoryEnvironment"
POLICY = "github:index/repositoryEnvironmentDeploymentPolicy:RepositoryEnvironmentDeploymentPolicy"
RULESET = "github:index/repositoryRuleset:RepositoryRuleset"
PROVIDER = "pulumi:providers:github"

KUBECONFIG = "apiVersion: v1\nkind: Config\n# canary-kubeconfig ü\n"
VALUES: Mapping[str, str] = {
    "KUBECONFIG": base64.b64encode(KUBECONFIG.encode()).decode(),
    "COHERE_API_KEY": "canary-cohere",
    "BETTER_AUTH_SECRET": "canary-better-auth",
    "DATABASE_URL": "postgresql://todo:canary@db.example.com/todo",
    "KAFKA_USERNAME": "canary-user",
    "KAFKA_PASSWORD": "canary-password",
}


def at(second: int) -> str:
    """A time as the provider writes it."""
    return f"2026-11-24 10:00:{second:02} +0000 UTC"


@dataclass
class GitHub:
    """What GitHub answers: the environment's secrets by name with the second of their last change, and its variables.

    declared: by type and name, how the engine is to treat each resource.
    """

    secrets: dict[str, int] = field(default_factory=dict)
    variables: list[Mapping[str, str]] = field(default_factory=list)
    users: dict[str, int] = field(default_factory=lambda: {"alice": 4711, "bob": 4712})
    environment: bool = True
    declared: dict[tuple[str, str], resource_pb2.RegisterResourceRequest] = field(default_factory=dict)

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        asked: dict[str, str] = dict(args.args)
        match args.token.rpartition(":")[2]:
            case "getUser" if asked["username"] in self.users:
                return {"id": str(self.users[asked["username"]])}, []
            case "getActionsEnvironmentSecrets" if self.holds(asked):
                times = {name: at(second) for name, second in self.secrets.items()}
                return {"secrets": [{"name": name, "updatedAt": time} for name, time in times.items()]}, []
            case "getActionsEnvironmentVariables" if self.holds(asked):
                return {"variables": self.variables}, []
            case _:
                return {}, [
                    ("", "invoking it returned an error: 1 error occurred:\n\t* GET /there: 404 Not Found []\n")
                ]

    def holds(self, asked: Mapping[str, str]) -> bool:
        exists = self.environment and (ENVIRONMENT, "production") in self.declared
        return exists and asked == {"name": "todo", "environment": "production"}

    def note(self, text: str, *, second: int) -> None:
        self.variables = [{"name": "STACK", "value": "oke", "updatedAt": at(59)}]
        self.variables += [{"name": NOTE, "value": text, "updatedAt": at(second)}]

    @property
    def triggers(self) -> Mapping[str, str]:
        """By secret, what the engine compares: another text than the last time, and the secret is replaced."""
        return {
            name: request.replacement_trigger.string_value
            for (type_, name), request in self.declared.items()
            if type_ == SECRET
        }


@pytest.fixture
def github(monkeypatch: pytest.MonkeyPatch) -> GitHub:
    github = GitHub()
    register = MockMonitor.RegisterResource

    def keep(
        monitor: MockMonitor, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        response = register(monitor, request)
        github.declared[request.type, request.name] = request
        return response

    monkeypatch.setattr(MockMonitor, "RegisterResource", keep)
    monkeypatch.setattr(f"{Engine.__module__}._Provider.call", lambda _, args: github.call(args))
    return github


def deploy(written: int = 0, **changed: Any) -> Engine:
    """Declares the repository; GitHub then says that its secrets were written in that second."""
    args: dict[str, Any] = {
        "repository": "acme/todo",
        "reviewers": ["alice", "bob"],
        "kubeconfig": KUBECONFIG,
        **{key.lower(): SecretStr(value) for key, value in VALUES.items() if key != "KUBECONFIG"},
        "variables": {"STACK": "oke"},
        "required_checks": ["Run Tests", "Preview"],
        "protect": False,
    }
    engine = Engine()
    engine.creations.update({(SECRET, name): lambda: {"updatedAt": at(written)} for name in VALUES})

    def program() -> None:
        repository = DeliveryRepository("delivery", DeliveryRepositoryArgs(**args | changed))
        pulumi.export("environment", repository.environment)

    engine.deploy(program)
    return engine


def of_type(engine: Engine, type_: str) -> dict[str, Resource]:
    return {resource.name: resource for resource in engine.resources if resource.type == type_}


def note_of(engine: Engine) -> str:
    return engine.find(VARIABLE, NOTE).inputs["value"]


@pytest.mark.usefixtures("github")
def test_only_jobs_on_main_can_use_the_environment() -> None:
    engine = deploy()

    environment = engine.find(ENVIRONMENT).inputs
    assert (environment["repository"], environment["environment"]) == ("todo", "production")
    assert environment["deploymentBranchPolicy"] == {"protectedBranches": False, "customBranchPolicies": True}
    policies = of_type(engine, POLICY).values()
    assert [(p.inputs["repository"], p.inputs["environment"], p.inputs["branchPattern"]) for p in policies] == [
        ("todo", "production", "main")
    ]
    assert engine.exports == {"environment": "production"}


@pytest.mark.usefixtures("github")
def test_the_reviewers_approve() -> None:
    assert deploy().find(ENVIRONMENT).inputs["reviewers"] == [{"users": [4711, 4712]}]
    assert "reviewers" not in deploy(reviewers=[]).find(ENVIRONMENT).inputs


@pytest.mark.usefixtures("github")
def test_an_unknown_reviewer_is_reported() -> None:
    with pytest.raises(pulumi.RunError) as raised:
        deploy(reviewers=["alice", "alcie"])

    message = str(raised.value)
    assert "'alcie'" in message
    assert "404 Not Found" in message
    assert message.endswith("\nhint: pulumi config set reviewers LOGIN,LOGIN")


@pytest.mark.usefixtures("github")
def test_the_secrets_belong_to_the_environment() -> None:
    engine = deploy()

    secrets = of_type(engine, SECRET).values()
    assert {secret.inputs["secretName"]: secret.inputs["value"] for secret in secrets} == {
        name: Secret(value) for name, value in VALUES.items()
    }
    assert {(s.inputs["repository"], s.inputs["environment"]) for s in secrets} == {("todo", "production")}
    assert not [resource for resource in engine.resources if "actionsSecret" in resource.type]


@pytest.mark.usefixtures("github")
def test_no_secret_and_no_token_is_in_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "canary-token")

    engine = deploy()

    assert example.CANARY not in f"{engine.resources} {engine.outputs} {engine.log} {engine.debug_log}"
    assert engine.find(PROVIDER).inputs.keys() == {"owner", "baseUrl"}


@pytest.mark.usefixtures("github")
def test_everything_goes_through_the_provider_of_the_owner() -> None:
    engine = deploy()

    on_github = [resource for resource in engine.resources if resource.type.startswith("github:")]
    assert {resource.provider for resource in on_github} == {"delivery"}
    assert {resource.parent for resource in on_github} == {"delivery"}
    assert engine.find(PROVIDER).inputs["owner"] == "acme"


@pytest.mark.usefixtures("github")
def test_main_requires_the_checks_of_github_actions() -> None:
    ruleset = deploy().find(RULESET).inputs

    assert (ruleset["repository"], ruleset["target"], ruleset["enforcement"]) == ("todo", "branch", "active")
    assert ruleset["conditions"] == {"refName": {"includes": ["refs/heads/main"], "excludes": []}}
    assert ruleset["rules"]["nonFastForward"] is True
    checks = ruleset["rules"]["requiredStatusChecks"]["requiredChecks"]
    assert {check["context"]: check["integrationId"] for check in checks} == {"Run Tests": 15368, "Preview": 15368}


@pytest.mark.usefixtures("github")
def test_without_required_checks_there_is_no_ruleset() -> None:
    assert not of_type(deploy(required_checks=[]), RULESET)


@pytest.mark.usefixtures("github")
def test_the_environment_is_protected_by_the_setting() -> None:
    engine = deploy(protect=True)

    # A protected secret could not be replaced; GitHub deletes it with its environment only.
    protected = {resource.type for resource in engine.resources if resource.protect}
    assert protected == {ENVIRONMENT, POLICY, VARIABLE}
    assert not [resource for resource in deploy(protect=False).resources if resource.protect]


def test_a_secret_is_overwritten_and_never_deleted_first(github: GitHub) -> None:
    deploy()

    secrets = [request for (type_, _), request in github.declared.items() if type_ == SECRET]
    assert {(s.retainOnDelete, tuple(s.replaceOnChanges), s.deleteBeforeReplace) for s in secrets} == {
        (True, ("value",), False)
    }


def test_a_first_update_has_no_manual_changes(github: GitHub) -> None:
    engine = deploy(written=1)

    assert github.triggers == dict.fromkeys(VALUES, "")
    assert set(json.loads(note_of(engine))["written"].values()) == {at(1)}


def test_an_unchanged_secret_is_not_replaced(github: GitHub) -> None:
    first = note_of(deploy(written=1))
    github.secrets = dict.fromkeys(VALUES, 1)
    github.note(first, second=1)

    again = note_of(deploy(written=1))

    assert github.triggers == dict.fromkeys(VALUES, "")
    assert again == first


def test_a_rotated_secret_makes_a_newer_note(github: GitHub) -> None:
    first = note_of(deploy(written=1))
    github.secrets = dict.fromkeys(VALUES, 1)
    github.note(first, second=2)

    assert note_of(deploy(written=3)) != first


@pytest.mark.parametrize(
    ("by_hand", "trigger"),
    [({"KAFKA_PASSWORD": 5}, at(5)), ({}, f"deleted after {at(2)}")],
    ids=["changed", "deleted"],
)
def test_a_manual_change_is_overwritten_once(github: GitHub, by_hand: Mapping[str, int], trigger: str) -> None:
    first = note_of(deploy(written=1))
    github.secrets = {**{name: 1 for name in VALUES if name != "KAFKA_PASSWORD"}, **by_hand}
    github.note(first, second=2)

    repaired = note_of(deploy(written=6))
    assert github.triggers == {**dict.fromkeys(VALUES, ""), "KAFKA_PASSWORD": trigger}

    github.secrets |= {"KAFKA_PASSWORD": 6}
    github.note(repaired, second=7)
    again = note_of(deploy(written=6))
    assert github.triggers == {**dict.fromkeys(VALUES, ""), "KAFKA_PASSWORD": trigger}
    assert again == repaired

    github.secrets |= {"KAFKA_PASSWORD": 9}
    deploy(written=10)
    assert github.triggers == {**dict.fromkeys(VALUES, ""), "KAFKA_PASSWORD": at(9)}


def test_a_foreign_secret_changes_nothing(github: GitHub) -> None:
    first = note_of(deploy(written=1))
    github.secrets = {**dict.fromkeys(VALUES, 1), "DELIVERY_GITHUB_TOKEN": 50}
    github.note(first, second=2)

    assert note_of(deploy(written=1)) == first


@pytest.mark.parametrize("note", [None, "hello", "{}", "[]"], ids=["deleted", "text", "object", "list"])
def test_every_secret_is_overwritten_if_the_note_is_missing_or_edited(github: GitHub, note: str | None) -> None:
    github.secrets = {name: second for second, name in enumerate(VALUES)}
    if note is not None:
        github.note(note, second=30)

    deploy()

    assert github.triggers == {name: at(second) for name, second in github.secrets.items()}


def test_a_secret_that_is_new_to_the_stack_is_created(github: GitHub) -> None:
    github.secrets = {"KUBECONFIG": 1}
    github.note(json.dumps({"manualChanges": {}, "written": {}}), second=2)

    deploy()

    assert github.triggers["KUBECONFIG"] == ""


def test_a_deleted_environment_is_reported(github: GitHub) -> None:
    github.environment = False

    with pytest.raises(pulumi.RunError) as raised:
        deploy()

    assert "environment production of todo" in str(raised.value)
    assert str(raised.value).endswith("\nhint: pulumi up --refresh")
