"""Dapr's custom resource definitions, as its chart has them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx2
import yaml

from settings.types import OFFICIAL_CHART
from system.errors import UserError

FILES = ("components", "configuration", "httpendpoints", "resiliency", "subscription")
# Where Dapr's upgrade guide takes them from.
# https://docs.dapr.io/operations/hosting/kubernetes/kubernetes-production/#upgrade-dapr-with-helm
OFFICIAL_FILES = "https://raw.githubusercontent.com/dapr/dapr/v{version}/charts/dapr/crds"

_SECONDS = 20.0


def read(chart: str, version: str) -> Mapping[str, dict[str, Any]]:
    """The manifests, by name.

    chart: OFFICIAL_CHART for those of that version in Dapr's own repository, else the path of a folder with the chart.

    Raises UserError.
    """
    try:
        texts = _official(version) if chart == OFFICIAL_CHART else _in_folder(Path(chart, "crds"))
        manifests = [cast("dict[str, Any]", yaml.load(text, Loader=yaml.CSafeLoader)) for text in texts]
        return {manifest["metadata"]["name"]: manifest for manifest in manifests}
    except (OSError, httpx2.HTTPError, yaml.YAMLError, LookupError, TypeError) as error:
        raise UserError(
            f"The custom resource definitions of Dapr {version} cannot be read: {error}\n"
            "    pulumi config set daprVersion VERSION   for one that Dapr released\n"
            "    pulumi config set daprChart FOLDER      for those in a folder with Dapr's chart"
        ) from None


def _in_folder(folder: Path) -> list[str]:
    return [(folder / f"{name}.yaml").read_text(encoding="utf-8") for name in FILES]


def _official(version: str) -> list[str]:
    address = OFFICIAL_FILES.format(version=version)
    with httpx2.Client(timeout=_SECONDS, follow_redirects=True) as client:
        return [client.get(f"{address}/{name}.yaml").raise_for_status().text for name in FILES]
