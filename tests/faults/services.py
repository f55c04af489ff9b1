"""The registry and GitHub reject a request, are overloaded, or time out, with the error texts of their providers.

Sources: the errors of github.com/google/go-github and of BuildKit's pusher (containerd's remotes/docker).
"""

from collections.abc import Mapping
from functools import partial

from tests.support.faults.case import CASES, Case
from tests.support.faults.sandbox import Sandbox
from tests.support.faults.update import UP
from tests.support.project import Outcome

_PUSH = "failed to solve: failed to push ghcr.io/example/todo-backend"
_BLOBS = "https://ghcr.io/v2/example/todo-backend/blobs/uploads/"
_REGISTRY: Mapping[str, str] = {
    "401": (
        f"{_PUSH}: failed to authorize: failed to fetch oauth token: unexpected status from GET request to "
        "https://ghcr.io/token?scope=repository%3Aexample%2Ftodo-backend%3Apull%2Cpush&service=ghcr.io: "
        "401 Unauthorized: authentication required"
    ),
    "403": f"{_PUSH}: unexpected status from POST request to {_BLOBS}: 403 Forbidden: permission_denied: write_package",
    "404": f"{_PUSH}: unexpected status from POST request to {_BLOBS}: 404 Not Found: name unknown",
    "422": f"{_PUSH}: unexpected status from PUT request to {_BLOBS}: 422 Unprocessable Entity: digest invalid",
    "429": f"{_PUSH}: unexpected status from POST request to {_BLOBS}: 429 Too Many Requests: toomanyrequests",
    "503": f"{_PUSH}: unexpected status from POST request to {_BLOBS}: 503 Service Unavailable",
    "a timeout": f'{_PUSH}: failed to do request: Put "{_BLOBS}": net/http: TLS handshake timeout',
}
_SECRETS = "https://api.github.com/repos/example/todo/environments/production/secrets/KAFKA_PASSWORD"
_GITHUB: Mapping[str, str] = {
    "401": f"PUT {_SECRETS}: 401 Bad credentials []",
    "403": f"PUT {_SECRETS}: 403 Resource not accessible by personal access token []",
    "404": f"PUT {_SECRETS}: 404 Not Found []",
    "422": f"PUT {_SECRETS}: 422 Validation Failed [{{Resource:Secret Field:encrypted_value Code:invalid Message:}}]",
    "429": (
        f"PUT {_SECRETS}: 429 You have exceeded a secondary rate limit. Please wait a few minutes before you try "
        "again. [rate reset in 59s]"
    ),
    "502": f"PUT {_SECRETS}: 502 Server Error []",
    "a timeout": f'Put "{_SECRETS}": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
}
_ASKED: Mapping[str, tuple[str, str]] = {
    "401": ("getUser", "GET https://api.github.com/users/octocat: 401 Bad credentials []"),
    "503": (
        "getActionsEnvironmentSecrets",
        "GET https://api.github.com/repos/example/todo/environments/production/secrets: 503 Service Unavailable []",
    ),
}
_TIMEOUT_SECONDS = 3


def _registry(sandbox: Sandbox, *, message: str) -> Outcome:
    sandbox.change()
    sandbox.doubles.docker_build.fail_build(message)
    return sandbox.project.run(*UP)


def _github(sandbox: Sandbox, *, message: str) -> Outcome:
    sandbox.change()
    seconds = _TIMEOUT_SECONDS if "Timeout" in message else 0
    sandbox.doubles.github.cloud.fail("create", "ActionsEnvironmentSecret", message, seconds=seconds)
    return sandbox.project.run(*UP)


def _github_asked(sandbox: Sandbox, *, function: str, message: str) -> Outcome:
    sandbox.change()
    sandbox.doubles.github.cloud.fail("invoke", function, message)
    return sandbox.project.run(*UP)


for _answer, _message in _REGISTRY.items():
    CASES.append(Case(f"the registry answers {_answer}", partial(_registry, message=_message)))
for _answer, _message in _GITHUB.items():
    CASES.append(Case(f"GitHub answers {_answer} to a secret", partial(_github, message=_message)))
for _answer, (_function, _message) in _ASKED.items():
    CASES.append(
        Case(f"GitHub answers {_answer} to a question", partial(_github_asked, function=_function, message=_message))
    )
