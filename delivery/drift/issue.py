"""The one open issue that tells of a stack's drift, by GitHub's own command `gh`."""

import json
import subprocess
from collections.abc import Sequence

from delivery import CommandError

LABEL = "drift"


def tell(stack: str, changes: Sequence[str], run: str) -> str:
    """Opens the stack's issue, updates it, or closes it where nothing changes; returns what was done, in a sentence.

    changes: the lines of `preview.find`; run: the address of the workflow run that found them, or nothing.
    The repository and the token are those that `gh` takes from GH_REPO and GH_TOKEN, or of its own login.

    Raises CommandError where gh fails.
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
        f"The next update of stack `{stack}` would change what nobody changed in the repository:\n\n{items}\n\n"
        f"`pulumi preview --stack {stack} --refresh --diff` shows how; `pulumi up` takes it back.\n\n{run}\n"
    )


def _gh(*arguments: str, text: str = "") -> str:
    try:
        done = subprocess.run(["gh", *arguments], input=text, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CommandError("There is no command gh.\n    https://cli.github.com   tells how to install it") from None
    if done.returncode:
        raise CommandError(
            f"gh {' '.join(arguments[:2])} failed: {done.stderr.strip()}\n    gh auth status   tells more"
        )
    return done.stdout
