"""Statistics of measurements, and tables in Markdown."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """The median and the quartiles of a series."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.1f} s ({self.low:.1f} to {self.high:.1f})"


def spread(series: Sequence[float]) -> Spread:
    """Return the spread of one or more values."""
    if len(series) == 1:
        return Spread(series[0], series[0], series[0])
    return Spread(*statistics.quantiles(series, n=4, method="inclusive"))


@dataclass(frozen=True)
class Line:
    """A straight line through measurements."""

    slope: float
    fit: float  # the coefficient of determination: 1 for points on the line


def line(steps: Sequence[float], series: Sequence[float]) -> Line:
    """Return the line of least squares."""
    slope, _ = statistics.linear_regression(steps, series)
    return Line(slope, statistics.correlation(steps, series) ** 2)


def compared(ours: Sequence[float], theirs: Sequence[float], goal: float | None) -> tuple[str, str, str]:
    """Return the cells "ratio of the medians", "goal" and "met"; the last two are empty without a goal."""
    ratio = round(spread(ours).median / spread(theirs).median, 2)  # the goal applies to the printed value
    if goal is None:
        return f"{ratio:.2f}", "", ""
    return f"{ratio:.2f}", f"≤ {goal}", _met(ratio, goal)


def above(ours: Sequence[float], floor: Sequence[float], goal: float | None) -> tuple[str, str, str]:
    """Return the cells "seconds above the floor", "goal" and "met", like `compared`."""
    seconds = round(spread(ours).median - spread(floor).median, 1)
    if goal is None:
        return f"+{seconds:.1f} s", "", ""
    return f"+{seconds:.1f} s", f"≤ {goal} s", _met(seconds, goal)


def markdown(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in GitHub's Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [titles, ["---"] * len(titles), *rows])


def _met(value: float, goal: float) -> str:
    return "yes" if value <= goal else "no"
