"""Where the charts of the platform are: in their publishers' repositories, or in folders."""

from collections.abc import Mapping
from typing import Any

from settings.types import OFFICIAL_CHART


def source(chart: str, name: str, version: str, repository: str) -> Mapping[str, Any]:
    """What a Helm release says of its chart.

    chart: OFFICIAL_CHART for that name and version in the publisher's repository, a URL; else the path of a folder,
    which has its own version.
    """
    if chart == OFFICIAL_CHART:
        return {"chart": name, "version": version, "repository_opts": {"repo": repository}}
    return {"chart": chart}
