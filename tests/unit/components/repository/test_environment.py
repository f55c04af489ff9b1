import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs
from pydantic import SecretStr

from components.repository.environment import NOTE, DeliveryRepository, DeliveryRepositoryArgs
from tests.support import example
from tests.support.engine import Engine, Inputs, InvokeError, Resource, Secret

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
    """GitHub's secrets, variables and users."""

    secrets: dict[str, int] = field(default_factory=dict)  # by name the second of the last change
    variables: list[Mapping[str, str]] = field(default_factory=list)
    users: dict[str, int] = field(default_factory=lambda: {"alice": 4711, "bob": 4712})
    environment: bool = True  # whether it still exists after the program declared it

    def note(self, text: str, *, second: int) -> None:
        self.variables = [{"name": "STACK", "value": "oke", "updatedAt": at(59)}]
        self.variables += [{"name": NOTE, "value": text, "updatedAt": at(second)}]


class GitHubEngine(Engine):
    """A deployment to GitHub."""

    def __init__(self, github: GitHub) -> None:
        super().__init__()
        self._github = github

    def call(self, args: MockCallArgs) -> Inputs:
        asked: dict[str, str] = dict(args.args)
        environments = self._github.environment and of_type(self, ENVIRONMENT)
        exists = environments and asked == {"name": "todo", "environment": "production"}
        match args.token.rpartition(":")[2]:
            case "getUser" if asked["username"] in self._github.users:
                return {"id": str(self._github.users[asked["username"]])}
            case "getActionsEnvironmentSecrets" if exists:
                secrets = self._github.secrets.items()
                return {"secrets": [{"name": name, "updatedAt": at(second)} for name, second in secrets]}
            case "getActionsEnvironmentVariables" if exists:
                return {"variables": self._github.variables}
            case _:
                raise InvokeError(
                    "invoking it returned an error: 1 error occurred:\n\t* GET /there: 404 Not Found []\n"
                )

    @property
    def triggers(self) -> Mapping[str, str]:
        """By secret, the engine's replacement trigger: a changed one replaces the secret."""
        secrets = of_type(self, SECRET).items()
        return {name: self.requests[secret.urn].replacement_trigger.string_value for name, secret in secrets}


@pytest.fixture
def github() -> GitHub:
    return GitHub()


def deploy(github: GitHub | None = None, *, written: int = 0, **changed: Any) -> GitHubEngine:
    """Declare the repository; GitHub then dates its secrets to the second `written`."""
    args: dict[str, Any] = {
        "repository": "acme/todo",
        "reviewers": ["alice", "bob"],
        "kubeconfig": KUBECONFIG,
        **{key.lower(): SecretStr(value) for key, value in VALUES.items() if key != "KUBECONFIG"},
        "variables": {"STACK": "oke"},
        "required_checks": ["Run Tests", "Preview"],
        "protect": False,
    }
    engine = GitHubEngine(github or GitHub())
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


def test_the_reviewers_approve() -> None:
    assert deploy().find(ENVIRONMENT).inputs["reviewers"] == [{"users": [4711, 4712]}]
    assert "reviewers" not in deploy(reviewers=[]).find(ENVIRONMENT).inputs


def test_an_unknown_reviewer_is_reported() -> None:
    with pytest.raises(
        pulumi.RunError, match=r"'alcie'.*404 Not Found(?s:.*)\nhint: pulumi config set reviewers LOGIN,LOGIN$"
    ):
        deploy(reviewers=["alice", "alcie"])


def test_the_secrets_belong_to_the_environment() -> None:
    engine = deploy()

    secrets = of_type(engine, SECRET).values()
    assert {secret.inputs["secretName"]: secret.inputs["value"] for secret in secrets} == {
        name: Secret(value) for name, value in VALUES.items()
    }
    assert {(s.inputs["repository"], s.inputs["environment"]) for s in secrets} == {("todo", "production")}
    assert not [resource for resource in engine.resources if "actionsSecret" in resource.type]


def test_no_secret_and_no_token_is_in_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "canary-token")

    engine = deploy()

    assert example.CANARY not in f"{engine.resources} {engine.outputs} {engine.log} {engine.debug_log}"
    assert engine.find(PROVIDER).inputs.keys() == {"owner", "baseUrl"}


def test_everything_goes_through_the_provider_of_the_owner() -> None:
    engine = deploy()

    on_github = [resource for resource in engine.resources if resource.type.startswith("github:")]
    assert {resource.provider for resource in on_github} == {"delivery"}
    assert {resource.parent for resource in on_github} == {"delivery"}
    assert engine.find(PROVIDER).inputs["owner"] == "acme"


def test_main_requires_the_checks_of_github_actions_if_there_are_any() -> None:
    ruleset = deploy().find(RULESET).inputs

    assert (ruleset["repository"], ruleset["target"], ruleset["enforcement"]) == ("todo", "branch", "active")
    assert ruleset["conditions"] == {"refName": {"includes": ["refs/heads/main"], "excludes": []}}
    assert ruleset["rules"]["nonFastForward"] is True
    checks = ruleset["rules"]["requiredStatusChecks"]["requiredChecks"]
    assert {check["context"]: check["integrationId"] for check in checks} == {"Run Tests": 15368, "Preview": 15368}
    assert not of_type(deploy(required_checks=[]), RULESET)


def test_the_environment_is_protected_by_the_setting() -> None:
    engine = deploy(protect=True)

    # A protected secret could not be replaced; GitHub deletes it with its environment only.
    protected = {resource.type for resource in engine.resources if resource.protect}
    assert protected == {ENVIRONMENT, POLICY, VARIABLE}
    assert not [resource for resource in deploy(protect=False).resources if resource.protect]


def test_a_secret_is_overwritten_and_never_deleted_first() -> None:
    engine = deploy()

    requests = [engine.requests[secret.urn] for secret in of_type(engine, SECRET).values()]
    assert {(s.retainOnDelete, tuple(s.replaceOnChanges), s.deleteBeforeReplace) for s in requests} == {
        (True, ("value",), False)
    }


def test_a_first_update_has_no_manual_changes() -> None:
    engine = deploy(written=1)

    assert engine.triggers == dict.fromkeys(VALUES, "")
    assert set(json.loads(note_of(engine))["written"].values()) == {at(1)}


@pytest.mark.parametrize("foreign", [{}, {"DELIVERY_GITHUB_TOKEN": 50}], ids=["unchanged", "foreign secret"])
def test_unchanged_secrets_are_not_replaced(github: GitHub, foreign: Mapping[str, int]) -> None:
    first = note_of(deploy(github, written=1))
    github.secrets = {**dict.fromkeys(VALUES, 1), **foreign}
    github.note(first, second=1)

    again = deploy(github, written=1)

    assert again.triggers == dict.fromkeys(VALUES, "")
    assert note_of(again) == first


def test_a_rotated_secret_makes_a_newer_note(github: GitHub) -> None:
    first = note_of(deploy(github, written=1))
    github.secrets = dict.fromkeys(VALUES, 1)
    github.note(first, second=2)

    assert note_of(deploy(github, written=3)) != first


@pytest.mark.parametrize(
    ("by_hand", "trigger"),
    [({"KAFKA_PASSWORD": 5}, at(5)), ({}, f"deleted after {at(2)}")],
    ids=["changed", "deleted"],
)
def test_a_manual_change_is_overwritten_once(github: GitHub, by_hand: Mapping[str, int], trigger: str) -> None:
    first = note_of(deploy(github, written=1))
    github.secrets = {**{name: 1 for name in VALUES if name != "KAFKA_PASSWORD"}, **by_hand}
    github.note(first, second=2)

    repaired = deploy(github, written=6)
    assert repaired.triggers == {**dict.fromkeys(VALUES, ""), "KAFKA_PASSWORD": trigger}

    github.secrets |= {"KAFKA_PASSWORD": 6}
    github.note(note_of(repaired), second=7)
    again = deploy(github, written=6)
    assert again.triggers == repaired.triggers
    assert note_of(again) == note_of(repaired)

    github.secrets |= {"KAFKA_PASSWORD": 9}
    assert deploy(github, written=10).triggers["KAFKA_PASSWORD"] == at(9)


@pytest.mark.parametrize("note", [None, "hello", "{}", "[]"], ids=["deleted", "text", "object", "list"])
def test_every_secret_is_overwritten_if_the_note_is_missing_or_edited(github: GitHub, note: str | None) -> None:
    github.secrets = {name: second for second, name in enumerate(VALUES)}
    if note is not None:
        github.note(note, second=30)

    assert deploy(github).triggers == {name: at(second) for name, second in github.secrets.items()}


def test_a_secret_that_is_new_to_the_stack_is_created(github: GitHub) -> None:
    github.secrets = {"KUBECONFIG": 1}
    github.note(json.dumps({"manualChanges": {}, "written": {}}), second=2)

    assert deploy(github).triggers["KUBECONFIG"] == ""


def test_a_deleted_environment_is_reported() -> None:
    with pytest.raises(pulumi.RunError, match=r"environment production of todo(?s:.*)\nhint: pulumi up --refresh$"):
        deploy(GitHub(environment=False))
