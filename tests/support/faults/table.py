"""The results as Markdown."""

from collections.abc import Iterable, Sequence

from tests.support.faults.case import Result

_HEAD = ("case", "what the user saw", "healed by", "time (s)", "objects lost", "secrets leaked")


def markdown(results: Sequence[Result]) -> str:
    """Return a table with a line for each case."""
    lines = [_HEAD, tuple("---" for _ in _HEAD), *map(_line, results)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _line(result: Result) -> Iterable[str]:
    seen = result.seen.replace("|", "\\|") or "nothing"
    healed = "**not healed**" if result.unhealed else result.healed_by
    return (
        result.name,
        seen,
        healed,
        f"{result.seconds:.0f}",
        str(len(result.lost)),
        str(len(result.leaks)),
    )
