"""What a series of measurements says, and tables of it in Markdown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median of a series and its quartiles, between which lies its middle half."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.1f} s ({self.low:.1f} to {self.high:.1f})"


def spread(series: Sequence[float]) -> Spread:
    """The spread of a series of one or more."""
    if len(series) == 1:
        return Spread(series[0], series[0], series[0])
    return Spread(*statistics.quantiles(series, n=4, method="inclusive"))


@dataclass(frozen=True)
class Line:
    """A straight line through measurements: what each step more adds, and how well it fits (1: they lie on it)."""

    slope: float
    fit: float


def line(steps: Sequence[float], series: Sequence[float]) -> Line:
    """The line of least squares, whose fit is the coefficient of determination."""
    slope, _ = statistics.linear_regression(steps, series)
    return Line(slope, statistics.correlation(steps, series) ** 2)


def compared(ours: Sequence[float], theirs: Sequence[float], goal: float | None) -> tuple[str, str, str]:
    """The ratio of two medians, the most that it may be, and whether it is met; empty where there is no goal."""
    ratio = round(spread(ours).median / spread(theirs).median, 2)  # what is told is what is judged
    if goal is None:
        return f"{ratio:.2f}", "", ""
    return f"{ratio:.2f}", f"≤ {goal}", _met(ratio, goal)


def above(ours: Sequence[float], floor: Sequence[float], goal: float | None) -> tuple[str, str, str]:
    """The seconds between two medians, the most that they may be, and whether that is met, as `compared` tells it."""
    seconds = round(spread(ours).median - spread(floor).median, 1)
    if goal is None:
        return f"+{seconds:.1f} s", "", ""
    return f"+{seconds:.1f} s", f"≤ {goal} s", _met(seconds, goal)


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of GitHub's Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, ["---"] * len(titles), *rows])


def _met(value: float, goal: float) -> str:
    return "yes" if value <= goal else "no"
