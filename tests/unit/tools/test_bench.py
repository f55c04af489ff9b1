"""Statistics of measurements, their goals and their tables."""

import pytest

from tools.bench.table import above, compared, line, spread


def test_series_prints_its_median_and_quartiles() -> None:
    assert str(spread([9.0, 1.0, 2.0, 3.0, 4.0, 5.0, 100.0])) == "4.0 s (2.5 to 7.0)"
    assert str(spread([2.0])) == "2.0 s (2.0 to 2.0)"


@pytest.mark.parametrize(
    ("ours", "expected"),
    [
        ([9.0, 11.0, 30.0], ("1.10", "≤ 1.1", "yes")),
        ([9.0, 11.04, 30.0], ("1.10", "≤ 1.1", "yes")),  # the goal applies to the printed value
        ([1.0, 11.1, 12.0], ("1.11", "≤ 1.1", "no")),
    ],
)
def test_ratio_equal_to_the_goal_meets_it(ours: list[float], expected: tuple[str, str, str]) -> None:
    assert compared(ours, [1.0, 10.0, 10.0], goal=1.1) == expected


def test_floor_is_subtracted() -> None:
    assert above([3.0], [1.0], goal=2.0) == ("+2.0 s", "≤ 2.0 s", "yes")
    assert above([3.1], [1.0], goal=2.0) == ("+2.1 s", "≤ 2.0 s", "no")
    assert above([3.1], [1.0], goal=None) == ("+2.1 s", "", "")
    assert compared([3.0], [2.0], goal=None) == ("1.50", "", "")


def test_line_has_a_slope_and_a_fit() -> None:
    straight, bent = line([2, 10, 50], [5.0, 9.0, 29.0]), line([2, 10, 50, 200], [1.0, 2.0, 60.0, 900.0])

    assert straight.slope == pytest.approx(0.5)
    assert straight.fit == pytest.approx(1)
    assert bent.fit < 0.98
