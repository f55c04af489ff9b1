"""The one open issue about a stack's drift, kept by `gh`."""

import json
from collections.abc import Mapping, Sequence

from system import process
from system.errors import UserError

LABEL = "drift"
_SECONDS = 60


def sync(stack: str, changes: Sequence[str], environment: Mapping[str, str]) -> str:
    """Open, update or close the stack's issue, and return what was done, in a sentence.

    changes: the output of `delivery drift`, by line. environment: `gh` takes the repository and the token from GH_REPO
    and GH_TOKEN, or from its own login.

    Raises UserError where `gh` fails.
    """
    changes = [change for change in changes if change]
    title = f"Stack {stack} has drifted"
    number = _open_issue(title, environment)
    run = _run_url(environment)
    if not changes:
        if number is None:
            return f"Stack {stack} has not drifted."
        _gh(environment, "issue", "close", number, "--comment", f"No drift any more. {run}".strip())
        return f"Stack {stack} has no drift any more: closed issue {number}."
    body = _body(stack, changes, run)
    if number is not None:
        _gh(environment, "issue", "edit", number, "--body-file", "-", text=body)
        return f"Stack {stack} still has drift: updated issue {number}."
    _gh(environment, "label", "create", LABEL, "--force", "--description", "The cluster differs from the repository")
    url = _gh(environment, "issue", "create", "--title", title, "--label", LABEL, "--body-file", "-", text=body)
    return f"Stack {stack} has drifted: {url.strip()}"


def _run_url(environment: Mapping[str, str]) -> str:
    """Return the URL of the workflow run, or nothing outside of one."""
    server, repository, run = map(environment.get, ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID"))
    return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""


def _open_issue(title: str, environment: Mapping[str, str]) -> str | None:
    query = ("issue", "list", "--label", LABEL, "--state", "open", "--limit", "100", "--json", "number,title")
    issues = json.loads(_gh(environment, *query))
    return next((str(issue["number"]) for issue in issues if issue["title"] == title), None)


def _body(stack: str, changes: Sequence[str], run: str) -> str:
    items = "\n".join(f"- `{change}`" for change in changes)
    return (
        f"Stack `{stack}` differs from the repository, or soon will:\n\n"
        f"{items}\n\n"
        f"`pulumi preview --stack {stack} --refresh --diff` shows the drift; `pulumi up` reverts it.\n\n"
        f"{run}\n"
    )


def _gh(environment: Mapping[str, str], *arguments: str, text: str = "") -> str:
    done = process.run(["gh", *arguments], environment, text, _SECONDS)
    if done.code:
        raise UserError(f"`gh {' '.join(arguments[:2])}` failed: {done.errors.strip()}", "gh auth status")
    return done.output
