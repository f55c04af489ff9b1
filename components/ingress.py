"""How the app is reached from outside: an ingress controller behind a load balancer, and certificates for HTTPS."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes
from lightkube import ApiError, AsyncClient
from lightkube.resources.core_v1 import Service

from components.cluster import told
from components.formats import OFFICIAL_CHART
from components.kubeconfig import Kubeconfig
from components.load_balancer import address

INGRESS_CLASS = "traefik"
ISSUER = "letsencrypt"
ALWAYS_FREE_MBPS = 10  # https://docs.oracle.com/en-us/iaas/Content/FreeTier/freetier_topic-Always_Free_Resources.htm

_TRAEFIK = "traefik"  # the release, its pods' labels, and the Service
_INSTALL_SECONDS = 600  # images are pulled on a new node

# What is behind the load balancer: a node's own address, or the one that it has among the pods.
_PRIVATE_CIDRS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# Less than the 65 s of the frontend and the 75 s of the backend, which close a connection that is idle for longer: a
# request that is sent at that moment is lost.
_IDLE_SECONDS = 60

_POLL_SECONDS = 2.0
_NOTICED_SECONDS = 10.0
_PROVISIONED_SECONDS = 600.0
# https://kubernetes.io/docs/tasks/access-application-cluster/create-external-load-balancer/#garbage-collecting-load-balancers
_HAS_CONTROLLER = "service.kubernetes.io/load-balancer-cleanup"


class LoadBalancerError(pulumi.RunError):
    """A load balancer that does not come to be; the message is for the user."""


@dataclass(frozen=True)
class IngressControllerArgs:
    """chart: OFFICIAL_CHART for Traefik's own repository, else the path of a folder with the chart.

    version: of the chart, as in 41.6.0.
    namespace: the controller's own, which exists.
    min_mbps, max_mbps: the bandwidth of OCI's flexible load balancer; ALWAYS_FREE_MBPS for both costs nothing.
    network_security_group: the OCID of the group that the load balancer joins, which lets the internet reach it (80,
        443) and lets it reach the nodes (30000 to 32767, 10256); empty to let OKE open the subnets' security lists.
    redirect_to_https: whether HTTP only ever leads to HTTPS.
    protect: whether it refuses to be deleted, which would give up the address that DNS names.
    kubeconfig: the cluster, to learn that address.
    """

    chart: str
    version: str
    namespace: pulumi.Input[str]
    min_mbps: int
    max_mbps: int
    network_security_group: pulumi.Input[str]
    redirect_to_https: bool
    protect: bool
    kubeconfig: pulumi.Input[Kubeconfig]


class IngressController(pulumi.ComponentResource):
    """Traefik as a Helm release, for the ingresses of class INGRESS_CLASS, and the load balancer in front of it.

    The Service is a resource beside the release, not a part of it: the load balancer and its address outlive a release
    that takes itself back, the stack waits until it is gone before it deletes the network that it is in, and a cluster
    that gives no load balancers is no failure.

    endpoint: the load balancer's address; empty where the cluster gives none.
    Source: https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengcreatingloadbalancer_topic-Summaryofannotations.htm
    """

    endpoint: pulumi.Output[str]

    def __init__(self, name: str, args: IngressControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:ingress:Controller", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        service = kubernetes.core.v1.Service(
            name,
            metadata={
                "name": _TRAEFIK,
                "namespace": args.namespace,
                "annotations": pulumi.Output.from_input(args.network_security_group).apply(
                    lambda group: _load_balancer_annotations(args, group)
                ),
            },
            spec={
                "type": "LoadBalancer",
                # Any node answers, wherever the pods are. The PROXY protocol tells the client's address, which the
                # policy Local would be for.
                "external_traffic_policy": "Cluster",
                "selector": {"app.kubernetes.io/name": _TRAEFIK, "app.kubernetes.io/instance": _TRAEFIK},
                "ports": [
                    {"name": port, "port": number, "target_port": port}
                    for port, number in (("web", 80), ("websecure", 443))
                ],
            },
            opts=child,
        )
        release = kubernetes.helm.v3.Release(
            name,
            name=_TRAEFIK,
            namespace=args.namespace,
            **_chart(args.chart, _TRAEFIK, args.version, repository="https://traefik.github.io/charts"),
            skip_crds=True,  # of objects that it is told not to look for
            atomic=True,
            timeout=_INSTALL_SECONDS,
            max_history=5,
            values=_traefik_values(args),
            opts=child,
        )
        self.endpoint = pulumi.Output.all(args.kubeconfig, args.namespace, service.id, release.status).apply(
            lambda known: _address(known[0], known[1])
        )
        self.register_outputs({"endpoint": self.endpoint})


def _chart(chart: str, name: str, version: str, *, repository: str) -> Mapping[str, Any]:
    if chart == OFFICIAL_CHART:
        return {"chart": name, "version": version, "repository_opts": {"repo": repository}}
    return {"chart": chart}


def _load_balancer_annotations(args: IngressControllerArgs, network_security_group: str) -> Mapping[str, str]:
    annotations = {
        "pulumi.com/skipAwait": "true",  # else a cluster that gives no load balancer fails after ten minutes
        "service.beta.kubernetes.io/oci-load-balancer-shape": "flexible",
        "service.beta.kubernetes.io/oci-load-balancer-shape-flex-min": str(args.min_mbps),
        "service.beta.kubernetes.io/oci-load-balancer-shape-flex-max": str(args.max_mbps),
        "service.beta.kubernetes.io/oci-load-balancer-connection-proxy-protocol-version": "2",
    }
    if network_security_group:
        annotations["oci.oraclecloud.com/oci-network-security-groups"] = network_security_group
        annotations["oci.oraclecloud.com/security-rule-management-mode"] = "None"
    return annotations


def _traefik_values(args: IngressControllerArgs) -> Mapping[str, Any]:
    entry_point = {
        "proxyProtocol": {"trustedIPs": _PRIVATE_CIDRS},
        # A moment until the nodes know that the pod ends, then as long as the backend may take to answer (25 s).
        "transport": {"lifeCycle": {"requestAcceptGraceTimeout": "5s", "graceTimeOut": "30s"}},
    }
    http = {"aliasHeadersStrategy": "delete"}  # X_Forwarded_For is no way to say X-Forwarded-For
    # An ACME challenge is redirected too: Let's Encrypt follows, whatever certificate it meets.
    # https://letsencrypt.org/docs/challenge-types/#http-01-challenge
    redirect = {"entryPoint": {"to": "websecure", "scheme": "https", "permanent": True}}
    return {
        "instanceLabelOverride": _TRAEFIK,
        # Two, or the app's two replicas would wait for one controller. Together 100m of the free tier's 2 OCPU.
        "deployment": {"replicas": 2, "terminationGracePeriodSeconds": 45},
        "podDisruptionBudget": {"enabled": True, "maxUnavailable": 1},
        "topologySpreadConstraints": [
            {
                "topologyKey": "kubernetes.io/hostname",
                "maxSkew": 1,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": {"app.kubernetes.io/name": _TRAEFIK}},
                "matchLabelKeys": ["pod-template-hash"],
            }
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "service": {"enabled": False},
        "ports": {
            "web": {**entry_point, "http": {**http, "redirections": redirect if args.redirect_to_https else {}}},
            "websecure": {**entry_point, "http": http},
        },
        "ingressClass": {"name": INGRESS_CLASS, "isDefaultClass": False},
        "providers": {
            "kubernetesCRD": {"enabled": False},
            "kubernetesIngress": {
                "strictPrefixMatching": True,  # /api is not the beginning of /apis
                "publishedService": {"pathOverride": pulumi.Output.concat(args.namespace, "/", _TRAEFIK)},
            },
        },
        "additionalArguments": [f"--serversTransport.forwardingTimeouts.idleConnTimeout={_IDLE_SECONDS}s"],
        "api": {"dashboard": False},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"format": "json"},
    }


async def _address(kubeconfig: Kubeconfig, namespace: str) -> str:
    """Waits for the address as long as somebody works on it.

    Raises LoadBalancerError.
    """
    began = time.monotonic()
    with told(kubeconfig):
        client = kubeconfig.async_client()
    while True:
        with told(kubeconfig):
            service = await _find(client, namespace)
        if service is None:
            return ""
        if found := address(service):
            return found
        waited = time.monotonic() - began
        is_noticed = _HAS_CONTROLLER in ((service.metadata and service.metadata.finalizers) or [])
        if pulumi.runtime.is_dry_run() or (waited > _NOTICED_SECONDS and not is_noticed):
            return ""
        if waited > _PROVISIONED_SECONDS:
            raise LoadBalancerError(
                f"The load balancer has no address after {_PROVISIONED_SECONDS / 60:.0f} minutes.\n"
                f"    kubectl --context {kubeconfig.context} --namespace {namespace} describe service {_TRAEFIK}"
                "   says why, such as a limit of the tenancy"
            )
        await asyncio.sleep(_POLL_SECONDS)


async def _find(client: AsyncClient, namespace: str) -> Service | None:
    """The Service, unless somebody has deleted it, which a preview without a refresh does not know."""
    try:
        return await client.get(Service, _TRAEFIK, namespace=namespace)
    except ApiError as error:
        if error.response.status_code == HTTPStatus.NOT_FOUND:
            return None
        raise


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
        super().__init__("todo:ingress:CertManager", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        release = kubernetes.helm.v3.Release(
            name,
            name="cert-manager",
            namespace=args.namespace,
            **_chart(args.chart, "cert-manager", f"v{args.version}", repository="https://charts.jetstack.io"),
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
