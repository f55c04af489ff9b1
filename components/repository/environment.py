"""The GitHub repository that delivers: the environment `production` and the ruleset of `main`."""

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_github as github
from pydantic import SecretStr

from components.errors import as_run_errors
from system.errors import UserError

ENVIRONMENT = "production"
BRANCH = "main"
# The variable with the stack's record of its writes: of a secret, GitHub shows only the time of the last one.
NOTE = "SECRETS_WRITTEN"
# The app that reports the checks of workflows; no other can fulfil one: https://api.github.com/apps/github-actions
_GITHUB_ACTIONS = 15368


@dataclass(frozen=True)
class DeliveryRepositoryArgs:
    """Arguments of DeliveryRepository."""

    repository: str  # owner/name of an existing repository
    reviewers: Sequence[str]  # up to six logins, one of which approves each job; empty for no approval
    kubeconfig: pulumi.Input[str]  # for the secret KUBECONFIG, in base64 there
    cohere_api_key: SecretStr  # this and the next four are secrets of the same names in capitals
    better_auth_secret: SecretStr
    database_url: SecretStr
    kafka_username: SecretStr
    kafka_password: SecretStr
    variables: Mapping[str, pulumi.Input[str]]  # for jobs, as `vars.NAME`
    required_checks: Sequence[str]  # jobs that must succeed before a commit reaches main; empty for no ruleset
    protect: bool  # refuse deletion of the environment and of everything in it


class DeliveryRepository(pulumi.ComponentResource):
    """The environment `production`, whose secrets only jobs on `main` can read, and a ruleset for `main`.

    The provider reads its token from GITHUB_TOKEN. A fine-grained token needs these permissions of the repository:
    Administration (environment, branch policy, ruleset) and Environments (secrets, variables), both read and write;
    Actions and Metadata, read. A preview only reads.
    Source: https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens

    A private repository needs GitHub Pro, Team or Enterprise for environments and rulesets, Enterprise for reviewers.
    Source: https://docs.github.com/en/actions/how-tos/deploy/configure-and-manage-deployments/manage-environments
    """

    environment: pulumi.Output[str]  # its name, known once it exists

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
        changes = environment.id.apply(lambda _: _manual_changes(values, repository, child))
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
                        # A replacement overwrites the old secret, which is never missing; it ends with its environment.
                        retain_on_delete=True,
                    ),
                ),
            ).updated_at
            for secret, value in values.items()
        }
        note = pulumi.Output.json_dumps({"manualChanges": changes, "written": written})
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
    # The SDK copies GITHUB_TOKEN into the state, where a new token is a change; the plug-in reads the variable anyway.
    properties = {key: value for key, value in provider.props.items() if key != "token"}
    return pulumi.ResourceTransformationResult(properties, provider.opts)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _user_id(login: str, child: pulumi.ResourceOptions) -> int:
    user = await _invoke(
        "getUser",
        {"username": login},
        child,
        f"Cannot find the reviewer {login!r} on GitHub",
        "pulumi config set reviewers LOGIN,LOGIN",
    )
    return int(user["id"])


async def _manual_changes(
    secrets: Collection[str], repository: str, child: pulumi.ResourceOptions
) -> Mapping[str, str]:
    """Return the last manual change of each secret, as a text that stays the same until the next one.

    A replacement trigger shows each new text in a preview. The provider itself detects no manual change, not even in a
    refresh: up to pulumi-github 6.15.0 it compares the time that it has just read with itself.
    Source: https://github.com/integrations/terraform-provider-github/pull/3526
    """
    where = {"name": repository, "environment": ENVIRONMENT}
    failure = f"Cannot read the environment {ENVIRONMENT} of {repository} on GitHub"
    hint = "pulumi up --refresh"  # in case it was deleted manually
    found = await _invoke("getActionsEnvironmentSecrets", where, child, failure, hint)
    noted = await _invoke("getActionsEnvironmentVariables", where, child, failure, hint)

    times = {secret["name"]: secret["updatedAt"] for secret in found["secrets"] if secret["name"] in secrets}
    note = next((variable for variable in noted["variables"] if variable["name"] == NOTE), None)
    known = _recorded(note["value"]) if note else None
    if note is None or known is None:
        return {secret: times.get(secret, "") for secret in secrets}
    # The stack writes its note after its secrets, so a newer secret is a manual change.
    changed = {secret: time for secret, time in times.items() if time > note["updatedAt"]}
    deleted = {secret: f"deleted after {note['updatedAt']}" for secret in secrets if secret not in times}
    return dict.fromkeys(secrets, "") | known | changed | deleted


def _recorded(note: str) -> dict[str, str] | None:
    try:
        return json.loads(note)["manualChanges"]
    except (ValueError, TypeError, KeyError):
        return None  # edited manually


async def _invoke(
    function: str, arguments: Mapping[str, str], child: pulumi.ResourceOptions, failure: str, hint: str
) -> Mapping[str, Any]:
    options = pulumi.InvokeOptions(parent=child.parent, provider=child.provider)
    with as_run_errors():
        try:
            return await pulumi.runtime.invoke_async(f"github:index/{function}:{function}", arguments, options)
        except Exception as error:  # noqa: BLE001 (the SDK raises no narrower one)
            # The provider's own sentence is the last; the rest are frames of the program and the SDK.
            raise UserError(f"{failure}: {str(error).rpartition('* ')[2].strip()}", hint) from None
