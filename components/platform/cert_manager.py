"""cert-manager, which gets certificates for HTTPS from Let's Encrypt."""

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
    """Arguments of CertManager."""

    chart: str  # OFFICIAL_CHART for cert-manager's own repository, else a folder with the chart
    version: str  # of cert-manager, such as 1.21.2
    namespace: pulumi.Input[str]  # exists, for cert-manager alone
    app_namespace: pulumi.Input[str]  # the namespace of the Ingress that gets a certificate
    email: str  # of the owner of the account at Let's Encrypt
    protect: bool  # refuse deletion, after which no certificate is renewed


class CertManager(pulumi.ComponentResource):
    """cert-manager as a Helm release, and the issuer in the app's namespace that asks Let's Encrypt for certificates.

    The custom resource definitions are templates of the chart, so Helm upgrades them; they outlive the release, or
    every certificate would go with it. cert-manager creates the account's key and the certificates as secrets in the
    cluster: the stack's state holds none of them.
    Source: https://cert-manager.io/docs/installation/helm/ and https://cert-manager.io/docs/configuration/acme/http01/
    """

    issuer: str  # value of an Ingress' annotation cert-manager.io/issuer

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:platform:CertManager", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        release = kubernetes.helm.v3.Release(
            name,
            name="cert-manager",
            namespace=args.namespace,
            **chart_source.source(args.chart, "cert-manager", f"v{args.version}", "https://charts.jetstack.io"),
            atomic=True,  # the chart's last hook waits until the webhook accepts an issuer
            timeout=_INSTALL_SECONDS,
            max_history=5,
            values=_values(args),
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


def _values(args: CertManagerArgs) -> Mapping[str, Any]:
    # One replica each: certificates are renewed weeks before they expire, so nothing waits for a moved pod.
    resources = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
    return {
        "crds": {"enabled": True, "keep": True},
        "global": {"leaderElection": {"namespace": args.namespace}},  # the default is kube-system
        "resources": resources,
        "webhook": {"resources": resources},
        "cainjector": {"resources": resources},
        "startupapicheck": {"resources": resources},
    }
