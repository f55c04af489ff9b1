"""What a stack needs around it: each check tells what it saw, or a problem and what mends it. None of them writes."""

import importlib.metadata
import json
import re
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2

from delivery import CommandError, credentials, stack_config, state
from delivery.accounts import (
    ACCOUNTS,
    BACKEND,
    DELIVERY_TOKEN,
    ENVIRONMENTS,
    GITHUB_TOKEN,
    OCI_KEY,
    backend_secrets,
)
from delivery.runner import run
from delivery.signature import signed_headers
from delivery.stack_config import StackConfig
from delivery.verify import Check

_SECONDS = 10
_TOOLS = Path(".tools/bin")


class NotApplicable(Exception):  # noqa: N818 (not an error)
    """Why a check has nothing to look at, in a clause."""


@dataclass(frozen=True)
class Apis:
    """Where the outside services answer; {region} is the region of the credentials."""

    github: str = "https://api.github.com"
    object_storage: str = "https://objectstorage.{region}.oraclecloud.com"
    container_engine: str = "https://containerengine.{region}.oci.oraclecloud.com/20180222"


@dataclass(frozen=True, repr=False)
class Situation:
    """What the checks look at.

    stack: its name. environment: the variables, as `surroundings` gives them.
    config: the stack's settings; None where the engine cannot tell them.
    """

    stack: str
    environment: Mapping[str, str]
    config: StackConfig | None = None
    apis: Apis = field(default_factory=Apis)

    def setting(self, key: str) -> str:
        """A setting's value. Raises NotApplicable where the settings are not known."""
        if self.config is None:
            raise NotApplicable("the settings cannot be read")
        return self.config.values.get(key, "")

    @property
    def in_oci(self) -> str:
        """The OCID of the cluster, or of the compartment that it is to be made in. Raises NotApplicable."""
        ocid = self.setting("clusterOcid") or self.setting("compartmentOcid")
        if not ocid:
            raise NotApplicable("neither clusterOcid nor compartmentOcid is set")
        return ocid

    @property
    def repository(self) -> str:
        """OWNER/NAME on GitHub. Raises NotApplicable."""
        repository = self.setting("repository")
        if not repository:
            raise NotApplicable("repository is not set")
        return repository

    def require_token(self) -> None:
        """Raises NotApplicable where nothing can be asked of GitHub, which one check tells for all."""
        if self.repository and not self.environment.get(GITHUB_TOKEN):
            raise NotApplicable(f"there is no {GITHUB_TOKEN}")

    @property
    def backend(self) -> str:
        """The scheme of the backend's URL."""
        return urlsplit(self.environment.get(BACKEND, "")).scheme


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment as the commands need it: with the project's tools, and the backend of `pulumi login`."""
    home = Path(environment.get("PULUMI_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".pulumi")
    added: dict[str, str] = {}
    if not environment.get(BACKEND):
        try:
            added[BACKEND] = str(json.loads((home / "credentials.json").read_text(encoding="utf-8"))["current"])
        except (OSError, ValueError, KeyError, TypeError):
            added[BACKEND] = ""
    path = f"{environment.get('PATH', '')}:{_TOOLS.absolute()}"
    return {**environment, **added, "PATH": path, "PULUMI_SKIP_UPDATE_CHECK": "true"}


def situation(stack: str, environment: Mapping[str, str], apis: Apis) -> Situation:
    """The situation of a stack, with its settings where the engine can tell them."""
    environment = surroundings(environment)
    try:
        config = stack_config.load(stack, environment, _SECONDS)
    except CommandError:
        config = None
    return Situation(stack, environment, config, apis)


def look(seen: Situation, names: Collection[str]) -> list[Check]:
    """Those of CHECKS that are named, side by side, each within seconds."""
    chosen = {name: check for name, check in CHECKS.items() if name in names}
    with ThreadPoolExecutor(len(chosen)) as threads:
        return [*threads.map(lambda name: _look(name, chosen[name], seen), chosen)]


def _look(name: str, check: Callable[[Situation], str], seen: Situation) -> Check:
    try:
        return Check(name, "passed", check(seen))
    except NotApplicable as why:
        return Check(name, "not applicable", str(why))
    except CommandError as problem:
        return Check(name, "failed", str(problem))


def object_storage_namespace(apis: Apis, region: str) -> str:
    """The Object Storage namespace of the user's tenancy: what every key of OCI may ask. Raises CommandError.

    region: where to ask; that of the credentials where it is empty.
    """
    signer = credentials.load("", "", region)
    # https://docs.oracle.com/en-us/iaas/api/#/en/objectstorage/20160918/Namespace/GetNamespace
    return str(_document(_ask_oci(signer, f"{apis.object_storage}/n", "")))


def stacks(environment: Mapping[str, str]) -> list[str]:
    """The stacks of this project that the backend keeps. Raises CommandError where it does not answer."""
    if problems := state.backend_problems(environment):
        raise CommandError("\n".join(problems))
    done = run(["pulumi", "stack", "ls", "--json", "--non-interactive"], environment, seconds=_SECONDS)
    if done.code:
        raise CommandError(
            f"The state cannot be reached: {stack_config.reason(done.errors)}\n    pulumi stack ls   tells more"
        )
    return [entry["name"] for entry in json.loads(done.output)]


def has_stack(seen: Situation) -> bool:
    """Whether the backend keeps the stack. Raises CommandError where it does not answer."""
    return seen.stack.rpartition("/")[2] in [name.rpartition("/")[2] for name in stacks(seen.environment)]


def shown(backend: str) -> str:
    """A backend's URL without the password that it may hold."""
    url = urlsplit(backend)
    return backend.replace(f":{url.password}@", ":…@") if url.password else backend


def lacking_secrets(seen: Situation, environment: str) -> list[str]:
    """Of the secrets that a workflow needs in an environment on GitHub, those that are not there. Raises CommandError.

    The stack's own secrets are not among them: the stack writes those.
    Raises NotApplicable where there is no repository.
    """
    answer = _ask_github(seen, f"/repos/{seen.repository}/environments/{environment}/secrets?per_page=100")
    if answer.status_code == HTTPStatus.FORBIDDEN:
        raise CommandError(_lacks_permission("Environments"))
    # There is no environment yet, where it is not found.
    there = {secret["name"] for secret in _document(answer)["secrets"]} if answer.is_success else set[str]()
    in_oci = seen.setting("clusterOcid") or seen.setting("compartmentOcid")
    wanted = [*backend_secrets(seen.backend), *(OCI_KEY if in_oci else ()), DELIVERY_TOKEN]
    return [name for name in wanted if name not in there]


def lacks_backend(seen: Situation) -> bool:
    """Whether the repository's variable for the workflows names another backend, or none. Raises CommandError.

    Raises NotApplicable where there is no repository.
    """
    answer = _ask_github(seen, f"/repos/{seen.repository}/actions/variables/{BACKEND}")
    if answer.status_code == HTTPStatus.FORBIDDEN:
        raise CommandError(_lacks_permission("Variables"))
    return not answer.is_success or _document(answer)["value"] != seen.environment[BACKEND]


def _pulumi(seen: Situation) -> str:
    version = _first_line("pulumi", "version", seen=seen)
    wanted = f"v{importlib.metadata.version('pulumi')}"
    if version != wanted:
        raise CommandError(
            f"pulumi is {version}, and the project's packages are made for {wanted}.\n"
            "    make tools && export PATH=$PWD/.tools/bin:$PATH"
        )
    return version


def _git(seen: Situation) -> str:
    return _first_line("git", "--version", seen=seen)


def _docker(seen: Situation) -> str:
    if seen.setting("imageSource") != "build":
        raise NotApplicable("imageSource is not build")
    buildx = _first_line("docker", "buildx", "version", seen=seen)
    daemon = run(["docker", "info", "--format", "{{.ServerVersion}}"], seen.environment, seconds=_SECONDS)
    if daemon.code:
        raise CommandError("Docker is installed, and its engine does not answer.\n    docker info   tells more")
    return f"engine {daemon.output.strip()}, {buildx}"


def _registry_login(seen: Situation) -> str:
    if seen.setting("imageSource") != "build":
        raise NotApplicable("imageSource is not build")
    registry = seen.setting("imageRegistry").partition("/")[0]
    folder = Path(seen.environment.get("DOCKER_CONFIG") or Path(seen.environment.get("HOME", "~"), ".docker"))
    try:
        known = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if registry not in {**known.get("auths", {}), **known.get("credHelpers", {})}:
        raise CommandError(f"Docker has no login for {registry}, to push the images.\n    docker login {registry}")
    return f"Docker is logged in to {registry}"


def _trivy(seen: Situation) -> str:
    if not seen.setting("imageScan"):
        raise NotApplicable("imageScan is not set")
    return _first_line("trivy", "--version", seen=seen)


def _state(seen: Situation) -> str:
    stacks(seen.environment)
    return f"kept at {shown(seen.environment[BACKEND])}"


def _stack(seen: Situation) -> str:
    try:
        there = has_stack(seen)
    except CommandError:
        raise NotApplicable("the state cannot be reached") from None
    if not there:
        raise CommandError(f"There is no stack {seen.stack}.\n    python -m delivery setup --stack {seen.stack}")
    return seen.stack


def _secrets(seen: Situation) -> str:
    file = stack_config.stack_file(seen.stack)
    if problems := state.secrets_problems(seen.environment, file):
        raise CommandError("\n".join(problems))
    return f"those of {file} can be decrypted"


def _settings(seen: Situation) -> str:
    config = seen.config or stack_config.load(seen.stack, seen.environment, _SECONDS)
    if mistakes := stack_config.mistakes(config):
        raise CommandError("\n".join(f"{key} {mistake}" for key, mistake in mistakes.items()))
    return f"complete, {len(config.encrypted)} of them encrypted"


def _oci_key(seen: Situation) -> str:
    _ = seen.in_oci
    try:
        namespace = object_storage_namespace(seen.apis, seen.setting("region"))
    except CommandError as error:
        raise CommandError(f"{error}\n    {ACCOUNTS['OCI_CLI_KEY_CONTENT']}") from None
    return f"OCI knows it, and the tenancy's namespace is {namespace}"


def _oci_access(seen: Situation) -> str:
    """Lists clusters, or gets the one that is named: https://docs.oracle.com/en-us/iaas/api/#/en/containerengine/."""
    ocid = seen.in_oci
    cluster = seen.setting("clusterOcid")
    signer = credentials.load("", "", seen.setting("region"))
    path = f"/clusters/{ocid}" if cluster else f"/clusters?compartmentId={ocid}"
    verb = "use clusters" if cluster else "manage cluster-family"
    policy = f"Allow group GROUP to {verb} in compartment COMPARTMENT   is the policy for that"
    _ask_oci(
        signer,
        f"{seen.apis.container_engine}{path}",
        f"There is no {ocid} in {signer.region}, or the user may not {verb} there.\n    {policy}",
    )
    return f"the user may see {'the cluster' if cluster else 'clusters in the compartment'}, in {signer.region}"


def _github(seen: Situation) -> str:
    repository = seen.repository
    user = _ask_github(seen, "/user")
    found = _ask_github(seen, f"/repos/{repository}")
    if not found.is_success:
        raise CommandError(
            f"GitHub has no repository {repository}, or the token does not reach it ({found.status_code}).\n"
            f"    pulumi config set repository OWNER/NAME   or another token: {ACCOUNTS[GITHUB_TOKEN].source}"
        )
    scopes = found.headers.get("x-oauth-scopes", "")  # of classic tokens alone
    if scopes and "repo" not in re.split(r",\s*", scopes):
        raise CommandError(
            f"The token has the scopes {scopes}, and not repo.\n    {ACCOUNTS[GITHUB_TOKEN].source}   makes another"
        )
    # What takes the same permissions as to write, but to read.
    # https://docs.github.com/en/rest/authentication/permissions-required-for-fine-grained-personal-access-tokens
    for permission, path in {"Administration": "actions/permissions", "Actions": "environments"}.items():
        if not _ask_github(seen, f"/repos/{repository}/{path}").is_success:
            raise CommandError(_lacks_permission(permission))
    who = _document(user)["login"] if user.is_success else "an app"
    end = found.headers.get("github-authentication-token-expiration", "")
    return f"{who} reaches {repository}{f', until {end}' if end else ''}"


def _workflow(environment: str) -> Callable[[Situation], str]:
    def check(seen: Situation) -> str:
        seen.require_token()
        if lacking := lacking_secrets(seen, environment):
            commands = "\n".join(
                f"    gh secret set {name} --env {environment} --repo {seen.repository}" for name in lacking
            )
            raise CommandError(f"GitHub lacks secrets that the workflows need in {environment}.\n{commands}")
        return f"{environment} has the secrets that the workflows need"

    return check


def _variable(seen: Situation) -> str:
    seen.require_token()
    if lacks_backend(seen):
        command = f"gh variable set {BACKEND} --repo {seen.repository} --body '{shown(seen.environment[BACKEND])}'"
        raise CommandError(f"The workflows do not know the backend, or know another.\n    {command}")
    return f"the workflows know the backend, by {BACKEND}"


# In the order in which to mend what they find.
CHECKS: Mapping[str, Callable[[Situation], str]] = {
    "pulumi": _pulumi,
    "git": _git,
    "state": _state,
    "passphrase": _secrets,
    "stack": _stack,
    "settings": _settings,
    "docker": _docker,
    "registry": _registry_login,
    "trivy": _trivy,
    "OCI key": _oci_key,
    "OCI access": _oci_access,
    "GitHub token": _github,
    "GitHub variable": _variable,
    **{f"GitHub {environment}": _workflow(environment) for environment in ENVIRONMENTS},
}
# Those of what the first update does not need.
WORKFLOW_CHECKS = frozenset(name for name in CHECKS if name.startswith("GitHub ") and name != "GitHub token")


def _first_line(*command: str, seen: Situation) -> str:
    done = run([*command], seen.environment, seconds=_SECONDS)
    if done.code:
        raise CommandError(f"`{' '.join(command)}` fails.\n    {' '.join(command)}   tells more")
    return done.output.strip().partition("\n")[0]


def _ask_oci(signer: credentials.Credentials, address: str, refusal: str) -> httpx2.Response:
    url = address.format(region=signer.region)
    try:
        response = httpx2.get(url, headers=signed_headers(signer, "GET", url, datetime.now(UTC)), timeout=_SECONDS)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        host = urlsplit(url).hostname
        raise CommandError(f"OCI does not answer at {host}: {error}.\n    curl https://{host}   tells more") from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise CommandError(
            "OCI does not know the key, or this machine's clock is five minutes off.\n"
            "    date -u   and see that the fingerprint is one of the user's API keys in the console"
        )
    if response.status_code in (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND) and refusal:
        raise CommandError(refusal)
    if not response.is_success:
        raise CommandError(
            f"OCI answers {response.status_code} at {urlsplit(url).hostname}.\n    https://ocistatus.oraclecloud.com"
        )
    return response


def _ask_github(seen: Situation, path: str) -> httpx2.Response:
    token = seen.environment.get(GITHUB_TOKEN)
    if not token:
        raise CommandError(
            f"There is no {GITHUB_TOKEN}, with which the stack keeps the repository.\n"
            f"    read -rs {GITHUB_TOKEN} && export {GITHUB_TOKEN}   {ACCOUNTS[GITHUB_TOKEN]}"
        )
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {token}"}
    try:
        response = httpx2.get(f"{seen.apis.github}{path}", headers=headers, timeout=_SECONDS)
    except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeEncodeError) as error:
        why = "the token is not ASCII" if isinstance(error, UnicodeEncodeError) else str(error)
        raise CommandError(f"GitHub does not answer: {why}.\n    curl {seen.apis.github}   tells more") from None
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        raise CommandError(
            f"GitHub does not know the token, or it has run out.\n    {ACCOUNTS[GITHUB_TOKEN].source}   makes another"
        )
    if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise CommandError(f"GitHub answers {response.status_code}.\n    https://www.githubstatus.com")
    return response


def _document(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        host = response.url.host
        raise CommandError(
            f"What answers at {host} is not {host}, but a proxy perhaps.\n    curl {response.url}   shows it"
        ) from None


def _lacks_permission(permission: str) -> str:
    return (
        f"The token of GitHub lacks the permission {permission}, or its user is no administrator of the repository.\n"
        f"    {ACCOUNTS[GITHUB_TOKEN].source}   {ACCOUNTS[GITHUB_TOKEN].least}"
    )
