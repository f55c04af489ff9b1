"""The GitHub repository that delivers: its environment `production`, what jobs read there, and the checks of `main`."""

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_github as github
from pydantic import SecretStr

ENVIRONMENT = "production"
BRANCH = "main"
# The variable in which the stack notes what it wrote: of a secret, GitHub only tells when it was written last.
NOTE = "SECRETS_WRITTEN"
# The app that reports the checks of workflows, so that no other may: https://api.github.com/apps/github-actions
_GITHUB_ACTIONS = 15368


@dataclass(frozen=True)
class DeliveryRepositoryArgs:
    """repository: an existing repository, as owner/name.

    reviewers: the logins of those, six at most, of whom one approves each job in the environment; none where empty.
    kubeconfig: what the secret KUBECONFIG holds, there in base64.
    cohere_api_key to kafka_password: what the secrets of the same names, in capitals, hold.
    variables: by name, what else jobs in the environment read, as `vars.NAME`.
    required_checks: the names of the jobs that must succeed before main takes a commit; no ruleset where empty.
    protect: whether the environment, and all in it, refuses to be deleted.
    """

    repository: str
    reviewers: Sequence[str]
    kubeconfig: pulumi.Input[str]
    cohere_api_key: SecretStr
    better_auth_secret: SecretStr
    database_url: SecretStr
    kafka_username: SecretStr
    kafka_password: SecretStr
    variables: Mapping[str, pulumi.Input[str]]
    required_checks: Sequence[str]
    protect: bool


class DeliveryRepository(pulumi.ComponentResource):
    """The environment `production`, in which only jobs of `main` run and read the secrets, and a ruleset for `main`.

    environment: its name, known once it exists.

    The provider takes its token from GITHUB_TOKEN. A fine-grained one needs, of this repository alone: Administration
    (environment, branch policy, ruleset) and Environments (secrets, variables), both read and write, Actions (read) and
    Metadata (read). A preview only reads.
    Source: https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens

    A public repository has all of it. A private one has environments and rulesets with GitHub Pro, Team or Enterprise,
    and reviewers with Enterprise only.
    Source: https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments
    """

    environment: pulumi.Output[str]

    def __init__(self, name: str, args: DeliveryRepositoryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:repository:DeliveryRepository", name, opts=opts)
        owner, _, repository = args.repository.partition("/")
        provider = github.Provider(
            name, owner=owner, opts=pulumi.ResourceOptions(parent=self, transformations=[_leave_out_token])
        )
        child = pulumi.ResourceOptions(parent=self, provider=provider)
        protected = pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(protect=args.protect))

        environment = github.RepositoryEnvironment(
            ENVIRONMENT,
            repository=repository,
            environment=ENVIRONMENT,
            reviewers=[{"users": [_user_id(login, child) for login in args.reviewers]}] if args.reviewers else None,
            deployment_branch_policy={"protected_branches": False, "custom_branch_policies": True},
            opts=protected,
        )
        github.RepositoryEnvironmentDeploymentPolicy(
            BRANCH, repository=repository, environment=environment.environment, branch_pattern=BRANCH, opts=protected
        )

        values: Mapping[str, pulumi.Input[str]] = {
            "KUBECONFIG": pulumi.Output.from_input(args.kubeconfig).apply(_base64),
            "COHERE_API_KEY": args.cohere_api_key.get_secret_value(),
            "BETTER_AUTH_SECRET": args.better_auth_secret.get_secret_value(),
            "DATABASE_URL": args.database_url.get_secret_value(),
            "KAFKA_USERNAME": args.kafka_username.get_secret_value(),
            "KAFKA_PASSWORD": args.kafka_password.get_secret_value(),
        }
        changes = environment.id.apply(lambda _: _changes_by_hand(values, repository, child))
        written = {
            secret: github.ActionsEnvironmentSecret(
                secret,
                repository=repository,
                environment=environment.environment,
                secret_name=secret,
                value=value,  # the SDK makes it a secret
                opts=pulumi.ResourceOptions.merge(
                    child,
                    pulumi.ResourceOptions(
                        replacement_trigger=changes[secret],
                        replace_on_changes=["value"],
                        # So a new one is written over the old one and never missing; it ends with its environment.
                        retain_on_delete=True,
                    ),
                ),
            ).updated_at
            for secret, value in values.items()
        }
        note = pulumi.Output.json_dumps({"changesByHand": changes, "written": written})
        for variable, value in {**args.variables, NOTE: note}.items():
            github.ActionsEnvironmentVariable(
                variable,
                repository=repository,
                environment=environment.environment,
                variable_name=variable,
                value=value,
                opts=protected,
            )

        if args.required_checks:
            github.RepositoryRuleset(
                BRANCH,
                name=BRANCH,
                repository=repository,
                target="branch",
                enforcement="active",
                conditions={"ref_name": {"includes": [f"refs/heads/{BRANCH}"], "excludes": []}},
                rules={
                    "deletion": True,
                    "non_fast_forward": True,
                    "required_status_checks": {
                        "strict_required_status_checks_policy": True,
                        "required_checks": [
                            {"context": check, "integration_id": _GITHUB_ACTIONS} for check in args.required_checks
                        ],
                    },
                },
                opts=child,
            )
        self.environment = environment.environment
        self.register_outputs({"environment": self.environment})


def _leave_out_token(provider: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult:
    # The SDK copies GITHUB_TOKEN into the state, and a new token would be a change; the plug-in reads it by itself.
    properties = {key: value for key, value in provider.props.items() if key != "token"}
    return pulumi.ResourceTransformationResult(properties, provider.opts)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _user_id(login: str, child: pulumi.ResourceOptions) -> int:
    user = await _ask(
        "getUser",
        {"username": login},
        child,
        f"The reviewer {login!r} cannot be looked up on GitHub",
        "pulumi config set reviewers LOGIN,LOGIN",
    )
    return int(user["id"])


async def _changes_by_hand(
    secrets: Collection[str], repository: str, child: pulumi.ResourceOptions
) -> Mapping[str, str]:
    """By secret, when somebody else changed it last: a text that stays the same until that happens again.

    As the trigger of a replacement it makes such a change one of every preview. The provider by itself would see none,
    not in a refresh either: up to pulumi-github 6.15.0 it compares the time that it has just read with itself.
    Source: https://github.com/integrations/terraform-provider-github/pull/3526
    """
    where = {"name": repository, "environment": ENVIRONMENT}
    failure = f"The environment {ENVIRONMENT} of {repository} cannot be read on GitHub"
    remedy = "pulumi up --refresh   where it was deleted by hand"
    found = await _ask("getActionsEnvironmentSecrets", where, child, failure, remedy)
    noted = await _ask("getActionsEnvironmentVariables", where, child, failure, remedy)

    times = {secret["name"]: secret["updatedAt"] for secret in found["secrets"] if secret["name"] in secrets}
    note = next((variable for variable in noted["variables"] if variable["name"] == NOTE), None)
    known = _noted_changes(note["value"]) if note else None
    if note is None or known is None:
        return {secret: times.get(secret, "") for secret in secrets}
    # The stack writes its note after its secrets, so what is newer than that was written by somebody else.
    changed = {secret: time for secret, time in times.items() if time > note["updatedAt"]}
    deleted = {secret: f"deleted after {note['updatedAt']}" for secret in secrets if secret not in times}
    return dict.fromkeys(secrets, "") | known | changed | deleted


def _noted_changes(note: str) -> dict[str, str] | None:
    try:
        return json.loads(note)["changesByHand"]
    except (ValueError, TypeError, KeyError):
        return None  # somebody edited it


async def _ask(
    function: str, arguments: Mapping[str, str], child: pulumi.ResourceOptions, failure: str, remedy: str
) -> Mapping[str, Any]:
    options = pulumi.InvokeOptions(parent=child.parent, provider=child.provider)
    try:
        return await pulumi.runtime.invoke_async(f"github:index/{function}:{function}", arguments, options)
    except Exception as error:  # noqa: BLE001 (the SDK raises no narrower one)
        # The provider's own sentence is the last; the frames around it name functions of ours and the SDK's.
        raise pulumi.RunError(f"{failure}: {str(error).rpartition('* ')[2].strip()}\n    {remedy}") from None
