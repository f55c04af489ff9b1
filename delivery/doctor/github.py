"""Checks of the GitHub token, and of the secrets and the variable that the workflows read."""

import re
from collections.abc import Callable
from http import HTTPStatus

import httpx2

from delivery.doctor.backend import shell_word
from delivery.doctor.context import Context
from delivery.doctor.http import json_of
from delivery.doctor.requirements import BACKEND, DELIVERY_TOKEN, GITHUB_TOKEN, OCI_KEY, REQUIREMENTS, backend_secrets
from system.errors import UserError

_NEW_TOKEN = f"read -rs {GITHUB_TOKEN} && export {GITHUB_TOKEN}"


def missing_secrets(context: Context, environment: str) -> list[str]:
    """Return the secrets that the workflows need and an environment on GitHub lacks, without those the stack writes.

    Raises UserError, and NotApplicable where there is no repository.
    """
    repository = context.required_setting("repository")
    response = _get(context, f"/repos/{repository}/environments/{environment}/secrets?per_page=100")
    if response.status_code == HTTPStatus.FORBIDDEN:
        raise _lacks_permission("Environments")
    # Any other failure: the environment does not exist yet.
    present = {secret["name"] for secret in json_of(response)["secrets"]} if response.is_success else set[str]()
    in_oci = context.setting("clusterOcid") or context.setting("compartmentOcid")
    needed = [*backend_secrets(context.backend), *(OCI_KEY if in_oci else ()), DELIVERY_TOKEN]
    return [name for name in needed if name not in present]


def lacks_backend(context: Context) -> bool:
    """Return whether the repository's variable does not name the stack's backend.

    Raises UserError, and NotApplicable where there is no repository.
    """
    response = _get(context, f"/repos/{context.required_setting('repository')}/actions/variables/{BACKEND}")
    if response.status_code == HTTPStatus.FORBIDDEN:
        raise _lacks_permission("Variables")
    return not response.is_success or json_of(response)["value"] != context.environment[BACKEND]


def token(context: Context) -> str:
    repository = context.required_setting("repository")
    user = _get(context, "/user")
    found = _get(context, f"/repos/{repository}")
    if not found.is_success:
        raise UserError(
            f"GitHub has no repository {repository}, or the token has no access to it ({found.status_code}).",
            "pulumi config set repository OWNER/NAME",
        )
    scopes = found.headers.get("x-oauth-scopes", "")  # classic tokens only
    if scopes and "repo" not in re.split(r",\s*", scopes):
        raise UserError(
            f"{GITHUB_TOKEN} has the scopes {scopes} and lacks repo; create another: "
            f"{REQUIREMENTS[GITHUB_TOKEN].source}.",
            _NEW_TOKEN,
        )
    # Reads that need the same permissions as the stack's writes.
    # https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
    for permission, path in {"Administration": "actions/permissions", "Actions": "environments"}.items():
        if not _get(context, f"/repos/{repository}/{path}").is_success:
            raise _lacks_permission(permission)
    who = json_of(user)["login"] if user.is_success else "an app"
    end = found.headers.get("github-authentication-token-expiration", "")
    return f"{who} has access to {repository}{f', until {end}' if end else ''}"


def environment(environment: str) -> Callable[[Context], str]:
    def check(context: Context) -> str:
        context.require_token()
        if missing := missing_secrets(context, environment):
            repository = context.setting("repository")
            raise UserError(
                f"{environment} on GitHub lacks the workflows' secrets {', '.join(missing)}.",
                f"for name in {' '.join(missing)}; do gh secret set $name --env {environment} --repo {repository}; "
                "done",
            )
        return f"{environment} has the workflows' secrets"

    return check


def variable(context: Context) -> str:
    context.require_token()
    if lacks_backend(context):
        backend, repository = shell_word(context.environment[BACKEND]), context.setting("repository")
        raise UserError(
            f"The repository's variable {BACKEND} is missing, or names another backend.",
            f"gh variable set {BACKEND} --repo {repository} --body {backend}",
        )
    return f"{BACKEND} names the backend"


def _get(context: Context, path: str) -> httpx2.Response:
    token = context.environment.get(GITHUB_TOKEN)
    if not token:
        raise UserError(f"{GITHUB_TOKEN} is not set: {REQUIREMENTS[GITHUB_TOKEN]}", _NEW_TOKEN)
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    try:
        response = httpx2.get(f"{context.apis.github}{path}", headers=headers, timeout=context.timeout)
    except UnicodeEncodeError:
        raise UserError(f"{GITHUB_TOKEN} is not ASCII.", _NEW_TOKEN) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise UserError(f"GitHub is unreachable: {error}", f"curl {context.apis.github}") from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise UserError(
            f"GitHub rejected {GITHUB_TOKEN} (401); create another: {REQUIREMENTS[GITHUB_TOKEN].source}.", _NEW_TOKEN
        )
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UserError(f"GitHub failed ({response.status_code}); see https://www.githubstatus.com.")
    return response


def _lacks_permission(permission: str) -> UserError:
    return UserError(
        f"{GITHUB_TOKEN} lacks the permission {permission}, or its user is not an administrator of the repository; "
        f"create another: {REQUIREMENTS[GITHUB_TOKEN]}",
        _NEW_TOKEN,
    )
