"""Commands under one heading of `python -m delivery --help`."""

import argparse
from collections.abc import Callable, Sequence

AddParser = Callable[..., argparse.ArgumentParser]


class Group:
    def __init__(self, title: str, add_parser: AddParser) -> None:
        self._title = title
        self._add_parser = add_parser
        self._lines: list[str] = []

    def command(
        self,
        name: str,
        summary: str,  # one line, in the imperative
        run: Callable[[argparse.Namespace], str | None],  # its result is printed
        parents: Sequence[argparse.ArgumentParser] = (),
    ) -> argparse.ArgumentParser:
        """Add a command; its options are for the caller to add."""
        self._lines.append(f"  {name:<12} {summary}")
        parser = self._add_parser(name, description=f"{summary}.", parents=parents)
        parser.set_defaults(run=run)
        return parser

    @property
    def help(self) -> str:
        return "\n".join([f"{self._title}:", *self._lines])


def echo(line: str) -> None:
    print(line, flush=True)
