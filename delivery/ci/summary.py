"""What a workflow run is told beside the log: on its summary page, and as outputs of its step.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import re
from collections.abc import Mapping
from pathlib import Path

# Of the 1 MiB that a step may write.
_LIMIT = 1_000_000
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def add(page: Path, title: str, text: str) -> None:
    """Adds a section to the page; of a text that is too long, its end."""
    plain = _COLOURS.sub("", text).encode()[-_LIMIT:].decode(errors="ignore").strip("\n") or "nothing"
    # A fence is longer than any in what it holds: https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    fence = "`" * (max([2, *map(len, re.findall(r"`+", plain))]) + 1)
    with page.open("a", encoding="utf-8") as file:
        file.write(f"## {title}\n\n{fence}text\n{plain}\n{fence}\n\n")


def set_output(environment: Mapping[str, str], name: str, value: str) -> None:
    """Gives the step an output of one line, where the environment is a step's."""
    if outputs := environment.get("GITHUB_OUTPUT"):
        with Path(outputs).open("a", encoding="utf-8") as file:
            file.write(f"{name}={value}\n")
