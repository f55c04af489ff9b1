"""The chart of a platform component: in its publisher's repository, or in a folder."""

from collections.abc import Mapping
from typing import Any

from settings.types import OFFICIAL_CHART


def source(chart: str, name: str, version: str, repository: str) -> Mapping[str, Any]:
    """Return a Helm release's arguments for its chart.

    chart: OFFICIAL_CHART for the name and version in the publisher's repository (a URL), else a folder, which has its
    own version.
    """
    if chart == OFFICIAL_CHART:
        return {"chart": name, "version": version, "repository_opts": {"repo": repository}}
    return {"chart": chart}
