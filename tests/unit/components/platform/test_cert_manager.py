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


@pytest.mark.parametrize("protect", [True, False])
def test_release_has_the_version_and_the_protection_of_the_settings(engine: Engine, *, protect: bool) -> None:
    deploy(engine, protect=protect)

    release = engine.find(RELEASE)
    inputs = release.inputs
    assert (inputs["chart"], inputs["version"], inputs["namespace"]) == ("cert-manager", "v1.21.3", "cert-manager")
    assert inputs["atomic"] is True  # a release that is not ready in time is rolled back
    assert "skipAwait" not in inputs
    assert release.protect is protect


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
