from typing import Any

import pulumi
import pytest
import yaml

from components.platform.dapr import DaprControlPlane, DaprControlPlaneArgs
from settings.types import OFFICIAL_CHART
from tests.support import example
from tests.support.engine import Engine

CHART = example.PROJECT_FOLDER / ".tools/charts/dapr"
RELEASE = "kubernetes:helm.sh/v3:Release"
DEFINITION = "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"


def deploy(engine: Engine, *, version: str = "1.15.4", scheduler: bool = False, protect: bool = False) -> None:
    args = DaprControlPlaneArgs(OFFICIAL_CHART, version, example.DEFINITIONS, "dapr-system", scheduler, protect)
    engine.deploy(lambda: pulumi.export("namespace", DaprControlPlane("dapr", args).namespace))


@pytest.mark.parametrize("enabled", [True, False])
def test_version_scheduler_and_protection_are_settings(engine: Engine, *, enabled: bool) -> None:
    deploy(engine, version="1.15.5", scheduler=enabled, protect=enabled)

    release = engine.find(RELEASE).inputs
    assert release["version"] == release["values"]["global"]["tag"] == "1.15.5"
    assert release["namespace"] == engine.exports["namespace"] == "dapr-system"
    assert release["values"]["global"]["scheduler"] == {"enabled": enabled}
    assert release["atomic"] is True  # a release that is not ready in time is rolled back
    assert "skipAwait" not in release
    assert {r.protect for r in engine.resources if r.type in (RELEASE, DEFINITION)} == {enabled}


def test_definitions_are_resources_and_the_release_waits_for_them(engine: Engine) -> None:
    deploy(engine)

    declared = {resource.name: resource for resource in engine.resources if resource.type == DEFINITION}
    assert declared.keys() == example.DEFINITIONS.keys()
    assert declared["components.dapr.io"].inputs == example.DEFINITIONS["components.dapr.io"]
    release = engine.find(RELEASE)
    assert release.inputs["skipCrds"] is True
    assert {resource.urn for resource in declared.values()} <= {r.urn for r in engine.finishes_first(release)}


def test_the_conversion_webhook_is_in_the_namespace_of_the_control_plane(engine: Engine) -> None:
    deploy(engine)

    webhook = engine.find(DEFINITION, "subscriptions.dapr.io").inputs["spec"]["conversion"]["webhook"]
    assert webhook["clientConfig"]["service"]["namespace"] == "dapr-system"
    assert "replaceme" in str(example.DEFINITIONS["subscriptions.dapr.io"])  # the manifest itself is unchanged


def test_the_control_plane_encrypts_traffic_and_drops_privileges(engine: Engine) -> None:
    deploy(engine)

    values = engine.find(RELEASE).inputs["values"]
    assert values["global"]["mtls"] == {"enabled": True}
    assert values["global"]["seccompProfile"] == "RuntimeDefault"
    assert values["dapr_sidecar_injector"]["sidecarDropALLCapabilities"] is True
    assert values["dapr_rbac"] == {"secretReader": {"enabled": False}}


@pytest.mark.skipif(not CHART.is_dir(), reason="the Dapr chart is a tool: make tools")
def test_the_chart_has_every_value_of_the_release(engine: Engine) -> None:
    deploy(engine)

    defaults: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
    for part in (CHART / "charts").iterdir():
        defaults[part.name] = yaml.safe_load((part / "values.yaml").read_text())
    for part, values in engine.find(RELEASE).inputs["values"].items():
        assert values.keys() <= defaults[part].keys()
