"""Longer time limits for the suites whose tests wait for clusters, processes and browsers."""

from pathlib import Path

import pytest

SECONDS = {"integration": 1800, "app": 600}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        suite = item.path.relative_to(Path(__file__).parent).parts[0]
        if suite in SECONDS:
            item.add_marker(pytest.mark.timeout(SECONDS[suite]))
