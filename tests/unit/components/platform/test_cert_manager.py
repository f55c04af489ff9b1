from typing import Any

import pulumi
import pytest

from components.platform.cert_manager import CertManager, CertManagerArgs
from components.platform.ingress import INGRESS_CLASS
from settings.types import OFFICIAL_CHART
from tests.support.engine import Engine

RELEASE = "kubernetes:helm.sh/v3:Release"
ISSUER = "kubernetes:cert-manager.io/v1:Issuer"


def deploy(engine: Engine, *, protect: bool = False) -> None:
    args = CertManagerArgs(OFFICIAL_CHART, "1.21.3", "cert-manager", "todo", "owner@example.com", protect)
    engine.deploy(lambda: pulumi.export("issuer", CertManager("certificates", args).issuer))


@pytest.fixture
def release(engine: Engine) -> dict[str, Any]:
    deploy(engine)
    return dict(engine.find(RELEASE).inputs)


def test_the_release_has_the_version_of_the_settings(release: dict[str, Any]) -> None:
    assert (release["chart"], release["version"], release["namespace"]) == ("cert-manager", "v1.21.3", "cert-manager")


def test_a_release_that_does_not_become_ready_is_rolled_back(release: dict[str, Any]) -> None:
    assert release["atomic"] is True
    assert "skipAwait" not in release


def test_definitions_outlive_the_release(release: dict[str, Any]) -> None:
    assert release["values"]["crds"] == {"enabled": True, "keep": True}
    assert "skipCrds" not in release


def test_the_issuer_asks_lets_encrypt_through_the_ingress_controller(engine: Engine) -> None:
    deploy(engine)

    issuer = engine.find(ISSUER).inputs
    assert issuer["metadata"] == {"name": engine.exports["issuer"], "namespace": "todo"}
    acme = issuer["spec"]["acme"]
    assert (acme["server"], acme["email"]) == ("https://acme-v02.api.letsencrypt.org/directory", "owner@example.com")
    (solver,) = acme["solvers"]
    assert solver["http01"]["ingress"]["ingressClassName"] == INGRESS_CLASS


def test_the_issuer_waits_for_the_webhook_that_validates_it(engine: Engine) -> None:
    deploy(engine)

    assert engine.find(RELEASE) in engine.finishes_first(engine.find(ISSUER))


@pytest.mark.parametrize("protect", [True, False])
def test_the_release_is_protected_by_the_setting(engine: Engine, *, protect: bool) -> None:
    deploy(engine, protect=protect)

    assert engine.find(RELEASE).protect is protect
