"""What GitHub says of the token, and of what the workflows find there."""

import re
from collections.abc import Callable
from http import HTTPStatus

import httpx2

from delivery.doctor.backend import shown
from delivery.doctor.context import SECONDS, Situation
from delivery.doctor.http import document
from delivery.doctor.requirements import ACCOUNTS, BACKEND, DELIVERY_TOKEN, GITHUB_TOKEN, OCI_KEY, backend_secrets
from system.errors import UserError


def lacking_secrets(seen: Situation, environment: str) -> list[str]:
    """Of the secrets that a workflow needs in an environment on GitHub, those that are not there. Raises UserError.

    The stack's own secrets are not among them: the stack writes those.
    Raises NotApplicable where there is no repository.
    """
    answer = _ask_github(seen, f"/repos/{seen.repository}/environments/{environment}/secrets?per_page=100")
    if answer.status_code == HTTPStatus.FORBIDDEN:
        raise UserError(_lacks_permission("Environments"))
    # There is no environment yet, where it is not found.
    there = {secret["name"] for secret in document(answer)["secrets"]} if answer.is_success else set[str]()
    in_oci = seen.setting("clusterOcid") or seen.setting("compartmentOcid")
    wanted = [*backend_secrets(seen.backend), *(OCI_KEY if in_oci else ()), DELIVERY_TOKEN]
    return [name for name in wanted if name not in there]


def lacks_backend(seen: Situation) -> bool:
    """Whether the repository's variable for the workflows names another backend, or none. Raises UserError.

    Raises NotApplicable where there is no repository.
    """
    answer = _ask_github(seen, f"/repos/{seen.repository}/actions/variables/{BACKEND}")
    if answer.status_code == HTTPStatus.FORBIDDEN:
        raise UserError(_lacks_permission("Variables"))
    return not answer.is_success or document(answer)["value"] != seen.environment[BACKEND]


def token(seen: Situation) -> str:
    repository = seen.repository
    user = _ask_github(seen, "/user")
    found = _ask_github(seen, f"/repos/{repository}")
    if not found.is_success:
        raise UserError(
            f"GitHub has no repository {repository}, or the token does not reach it ({found.status_code}).\n"
            f"    pulumi config set repository OWNER/NAME   or another token: {ACCOUNTS[GITHUB_TOKEN].source}"
        )
    scopes = found.headers.get("x-oauth-scopes", "")  # of classic tokens alone
    if scopes and "repo" not in re.split(r",\s*", scopes):
        raise UserError(
            f"The token has the scopes {scopes}, and not repo.\n    {ACCOUNTS[GITHUB_TOKEN].source}   makes another"
        )
    # What takes the same permissions as to write, but to read.
    # https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
    for permission, path in {"Administration": "actions/permissions", "Actions": "environments"}.items():
        if not _ask_github(seen, f"/repos/{repository}/{path}").is_success:
            raise UserError(_lacks_permission(permission))
    who = document(user)["login"] if user.is_success else "an app"
    end = found.headers.get("github-authentication-token-expiration", "")
    return f"{who} reaches {repository}{f', until {end}' if end else ''}"


def environment(environment: str) -> Callable[[Situation], str]:
    def check(seen: Situation) -> str:
        seen.require_token()
        if lacking := lacking_secrets(seen, environment):
            commands = "\n".join(
                f"    gh secret set {name} --env {environment} --repo {seen.repository}" for name in lacking
            )
            raise UserError(f"GitHub lacks secrets that the workflows need in {environment}.\n{commands}")
        return f"{environment} has the secrets that the workflows need"

    return check


def variable(seen: Situation) -> str:
    seen.require_token()
    if lacks_backend(seen):
        command = f"gh variable set {BACKEND} --repo {seen.repository} --body '{shown(seen.environment[BACKEND])}'"
        raise UserError(f"The workflows do not know the backend, or know another.\n    {command}")
    return f"the workflows know the backend, by {BACKEND}"


def _ask_github(seen: Situation, path: str) -> httpx2.Response:
    token = seen.environment.get(GITHUB_TOKEN)
    if not token:
        raise UserError(
            f"There is no {GITHUB_TOKEN}, with which the stack keeps the repository.\n"
            f"    read -rs {GITHUB_TOKEN} && export {GITHUB_TOKEN}   {ACCOUNTS[GITHUB_TOKEN]}"
        )
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    try:
        response = httpx2.get(f"{seen.apis.github}{path}", headers=headers, timeout=SECONDS)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeEncodeError) as error:
        why = "the token is not ASCII" if isinstance(error, UnicodeEncodeError) else str(error)
        raise UserError(f"GitHub does not answer: {why}.\n    curl {seen.apis.github}   tells more") from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise UserError(
            f"GitHub does not know the token, or it has run out.\n    {ACCOUNTS[GITHUB_TOKEN].source}   makes another"
        )
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UserError(f"GitHub answers {response.status_code}.\n    https://www.githubstatus.com")
    return response


def _lacks_permission(permission: str) -> str:
    return (
        f"The token of GitHub lacks the permission {permission}, or its user is no administrator of the repository.\n"
        f"    {ACCOUNTS[GITHUB_TOKEN].source}   {ACCOUNTS[GITHUB_TOKEN].least}"
    )
