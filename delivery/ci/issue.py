"""The one open issue that tells of a stack's drift, by GitHub's own command `gh`."""

import json
import os
from collections.abc import Sequence

from system import process
from system.errors import UserError

LABEL = "drift"
_SECONDS = 60


def tell(stack: str, changes: Sequence[str], run: str) -> str:
    """Opens the stack's issue, updates it, or closes it where nothing changes; returns what was done, in a sentence.

    changes: the lines of `delivery drift`; run: the address of the workflow run that found them, or nothing.
    The repository and the token are those that `gh` takes from GH_REPO and GH_TOKEN, or of its own login.

    Raises UserError where gh fails.
    """
    title = f"Stack {stack} has drifted"
    number = _open_issue(title)
    if not changes:
        if number is None:
            return f"Stack {stack} has not drifted."
        _gh("issue", "close", number, "--comment", f"Nothing differs any more. {run}".strip())
        return f"Stack {stack} has drifted no more: issue {number} is closed."
    body = _body(stack, changes, run)
    if number is not None:
        _gh("issue", "edit", number, "--body-file", "-", text=body)
        return f"Stack {stack} has still drifted: issue {number} is up to date."
    _gh("label", "create", LABEL, "--force", "--description", "What is there is not what the repository says")
    address = _gh("issue", "create", "--title", title, "--label", LABEL, "--body-file", "-", text=body)
    return f"Stack {stack} has drifted: {address.strip()}"


def _open_issue(title: str) -> str | None:
    listed = _gh("issue", "list", "--label", LABEL, "--state", "open", "--limit", "100", "--json", "number,title")
    return next((str(issue["number"]) for issue in json.loads(listed) if issue["title"] == title), None)


def _body(stack: str, changes: Sequence[str], run: str) -> str:
    items = "\n".join(f"- `{change}`" for change in changes)
    return (
        f"Stack `{stack}` is not what the repository says, though nobody changed that, or will not be for long:\n\n"
        f"{items}\n\n"
        f"`pulumi preview --stack {stack} --refresh --diff` shows what was changed; `pulumi up` takes that back.\n\n"
        f"{run}\n"
    )


def _gh(*arguments: str, text: str = "") -> str:
    done = process.run(["gh", *arguments], os.environ, text, _SECONDS)
    if done.code:
        raise UserError(f"gh {' '.join(arguments[:2])} failed: {done.errors.strip()}\n    gh auth status   tells more")
    return done.output
