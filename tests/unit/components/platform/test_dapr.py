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


def test_control_plane_and_sidecars_have_the_version_of_the_settings(engine: Engine) -> None:
    deploy(engine, version="1.15.5")

    release = engine.find(RELEASE).inputs
    assert release["version"] == release["values"]["global"]["tag"] == "1.15.5"
    assert release["namespace"] == engine.exports["namespace"] == "dapr-system"


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


def test_a_release_that_does_not_become_ready_is_rolled_back(engine: Engine) -> None:
    deploy(engine)

    release = engine.find(RELEASE).inputs
    assert release["atomic"] is True
    assert "skipAwait" not in release


@pytest.mark.parametrize("scheduler", [True, False])
def test_the_scheduler_is_a_setting(engine: Engine, *, scheduler: bool) -> None:
    deploy(engine, scheduler=scheduler)

    assert engine.find(RELEASE).inputs["values"]["global"]["scheduler"] == {"enabled": scheduler}


@pytest.mark.parametrize("protect", [True, False])
def test_release_and_definitions_are_protected_by_the_setting(engine: Engine, *, protect: bool) -> None:
    deploy(engine, protect=protect)

    assert {r.protect for r in engine.resources if r.type in (RELEASE, DEFINITION)} == {protect}


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
