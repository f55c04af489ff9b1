from components.platform.chart_source import source
from settings.types import OFFICIAL_CHART


def test_the_official_chart_comes_from_its_publishers_repository() -> None:
    assert source(OFFICIAL_CHART, "traefik", "41.6.1", "https://example.com/charts") == {
        "chart": "traefik",
        "version": "41.6.1",
        "repository_opts": {"repo": "https://example.com/charts"},
    }


def test_a_chart_in_a_folder_has_its_own_version() -> None:
    assert source("charts/traefik", "traefik", "41.6.1", "https://example.com/charts") == {"chart": "charts/traefik"}
