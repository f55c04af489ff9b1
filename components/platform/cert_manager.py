"""Certificates for HTTPS, from Let's Encrypt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.platform import chart_source
from components.platform.ingress import INGRESS_CLASS

ISSUER = "letsencrypt"

_INSTALL_SECONDS = 600  # images are pulled on a new node


@dataclass(frozen=True)
class CertManagerArgs:
    """chart: OFFICIAL_CHART for cert-manager's own repository, else the path of a folder with the chart.

    version: of cert-manager, as in 1.21.2.
    namespace: cert-manager's own, which exists. app_namespace: that of the ingress that gets a certificate.
    email: whom Let's Encrypt knows as the account's owner.
    protect: whether it refuses to be deleted, after which no certificate is renewed.
    """

    chart: str
    version: str
    namespace: pulumi.Input[str]
    app_namespace: pulumi.Input[str]
    email: str
    protect: bool


class CertManager(pulumi.ComponentResource):
    """cert-manager as a Helm release, and the issuer in the app's namespace that asks Let's Encrypt for certificates.

    Its custom resource definitions are templates of the chart, so Helm upgrades them, and they stay when the release
    goes, or every certificate would go with it. The account's key and the certificates are secrets that cert-manager
    makes in the cluster: none of them is in the stack's state.

    issuer: the name that an ingress names in its annotation `cert-manager.io/issuer`.
    Source: https://cert-manager.io/docs/installation/helm/ and https://cert-manager.io/docs/configuration/acme/http01/
    """

    issuer: str

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:platform:CertManager", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        release = kubernetes.helm.v3.Release(
            name,
            name="cert-manager",
            namespace=args.namespace,
            **chart_source.source(args.chart, "cert-manager", f"v{args.version}", "https://charts.jetstack.io"),
            atomic=True,  # the chart's last hook is done when the webhook takes an issuer
            timeout=_INSTALL_SECONDS,
            max_history=5,
            values=_cert_manager_values(args),
            opts=child,
        )
        kubernetes.apiextensions.CustomResource(
            f"{name}-issuer",
            api_version="cert-manager.io/v1",
            kind="Issuer",
            metadata={"name": ISSUER, "namespace": args.app_namespace},
            spec={
                "acme": {
                    "server": "https://acme-v02.api.letsencrypt.org/directory",
                    "email": args.email,
                    "privateKeySecretRef": {"name": f"{ISSUER}-account"},
                    "solvers": [
                        {"http01": {"ingress": {"ingressClassName": INGRESS_CLASS, "serviceType": "ClusterIP"}}}
                    ],
                }
            },
            opts=pulumi.ResourceOptions(parent=self, depends_on=[release]),
        )
        self.issuer = ISSUER
        self.register_outputs({"issuer": self.issuer})


def _cert_manager_values(args: CertManagerArgs) -> Mapping[str, Any]:
    # One replica each: a certificate is renewed weeks before its end, so nothing waits for a moved pod.
    resources = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    return {
        "crds": {"enabled": True, "keep": True},
        "global": {"leaderElection": {"namespace": args.namespace}},  # else in kube-system
        "resources": resources,
        "webhook": {"resources": resources},
        "cainjector": {"resources": resources},
        "startupapicheck": {"resources": resources},
    }
