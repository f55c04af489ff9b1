"""The summary page of a workflow run, and the outputs of its steps. Outside of a workflow run nothing is written.

Source: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

_LIMIT = 1_000_000  # of the 1 MiB that a step may write
_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def add(environment: Mapping[str, str], title: str, text: str) -> None:
    """Add a section with a text, or its end if it is too long."""
    plain = _COLOURS.sub("", text).encode()[-_LIMIT:].decode(errors="ignore").strip("\n") or "nothing"
    # A fence is longer than any in its text: https://spec.commonmark.org/0.31.2/#fenced-code-blocks
    fence = "`" * (max([2, *map(len, re.findall(r"`+", plain))]) + 1)
    add_markdown(environment, f"## {title}\n\n{fence}text\n{plain}\n{fence}\n\n")


def add_markdown(environment: Mapping[str, str], text: str) -> None:
    _append(environment, "GITHUB_STEP_SUMMARY", text)


def set_output(environment: Mapping[str, str], name: str, value: str) -> None:
    """Set an output of the step; value: one line."""
    _append(environment, "GITHUB_OUTPUT", f"{name}={value}\n")


def copy(title: str, source: TextIO, target: TextIO, environment: Mapping[str, str]) -> None:
    """Copy a stream line by line, then add all of it as a section."""
    lines: list[str] = []
    for line in source:
        target.write(line)
        target.flush()
        lines.append(line)
    add(environment, title, "".join(lines))


def _append(environment: Mapping[str, str], variable: str, text: str) -> None:
    if path := environment.get(variable):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
