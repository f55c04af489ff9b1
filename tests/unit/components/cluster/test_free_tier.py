import re

import pytest

from components.cluster.free_tier import costs


@pytest.mark.parametrize(
    ("nodes", "ocpus", "memory_gb", "volume_gb", "dollars"),
    [
        pytest.param(2, 1, 6, 100, [], id="the whole allowance"),
        pytest.param(3, 1, 1, 50, ["7.32"], id="one OCPU more"),
        pytest.param(1, 1, 13, 50, ["1.01"], id="one GB of memory more"),
        pytest.param(2, 1, 1, 101, ["0.09"], id="two GB of volumes more"),
        # 2976 OCPU-hours less 1500, 17856 GB-hours less 9000, 400 GB less 200.
        pytest.param(2, 2, 12, 200, ["14.76", "13.28", "8.50"], id="everything doubled"),
    ],
)
def test_costs_beyond_the_allowance(nodes: int, ocpus: int, memory_gb: int, volume_gb: int, dollars: list[str]) -> None:
    sentences = costs(nodes, ocpus, memory_gb, volume_gb)

    assert [re.findall(r"([\d.]+) USD a month", sentence) for sentence in sentences] == [[cost] for cost in dollars]
