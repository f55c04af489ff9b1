"""Dapr's custom resource definitions, from its chart."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx2
import yaml

from settings.types import OFFICIAL_CHART
from system.errors import UserError

FILES = ("components", "configuration", "httpendpoints", "resiliency", "subscription")
# The source in Dapr's upgrade guide.
# https://docs.dapr.io/operations/hosting/kubernetes/kubernetes-production/#upgrade-dapr-with-helm
OFFICIAL_FILES = "https://raw.githubusercontent.com/dapr/dapr/v{version}/charts/dapr/crds"

_SECONDS = 20.0


def read(chart: str, version: str, transport: httpx2.BaseTransport | None = None) -> Mapping[str, dict[str, Any]]:
    """Return the manifests by name.

    chart: OFFICIAL_CHART for Dapr's own repository at the version, else a folder with the chart.
    transport: of the requests to the repository; None for the network. Raises UserError.
    """
    try:
        texts = _official(version, transport) if chart == OFFICIAL_CHART else _in_folder(Path(chart, "crds"))
        manifests = [cast("dict[str, Any]", yaml.load(text, Loader=yaml.CSafeLoader)) for text in texts]
        return {manifest["metadata"]["name"]: manifest for manifest in manifests}
    except (OSError, httpx2.HTTPError, yaml.YAMLError, LookupError, TypeError) as error:
        raise UserError(
            f"Cannot read the custom resource definitions of Dapr {version} from daprChart {chart!r}: {error}",
            "pulumi config set daprVersion VERSION"
            if chart == OFFICIAL_CHART
            else "pulumi config set daprChart FOLDER",
        ) from None


def _in_folder(folder: Path) -> list[str]:
    return [(folder / f"{name}.yaml").read_text(encoding="utf-8") for name in FILES]


def _official(version: str, transport: httpx2.BaseTransport | None) -> list[str]:
    address = OFFICIAL_FILES.format(version=version)
    with httpx2.Client(timeout=_SECONDS, follow_redirects=True, transport=transport) as client:
        return [client.get(f"{address}/{name}.yaml").raise_for_status().text for name in FILES]
