"""How the app is reached from outside: an ingress controller behind a load balancer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.protocol import Cluster
from components.platform import chart_source, load_balancer

INGRESS_CLASS = "traefik"
ALWAYS_FREE_MBPS = 10  # https://docs.oracle.com/en-us/iaas/Content/FreeTier/freetier_topic-Always_Free_Resources.htm

_TRAEFIK = "traefik"  # the release, its pods' labels, and the Service
_INSTALL_SECONDS = 600  # images are pulled on a new node

# What is behind the load balancer: a node's own address, or the one that it has among the pods.
_PRIVATE_CIDRS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# Less than the 65 s of the frontend and the 75 s of the backend, which close a connection that is idle for longer: a
# request that is sent at that moment is lost.
_IDLE_SECONDS = 60


@dataclass(frozen=True)
class IngressControllerArgs:
    """Arguments of IngressController."""

    cluster: Cluster
    """Its load_balancer_group must open ports 80 and 443; if it has none, OKE opens the subnets' security lists."""
    chart: str
    """OFFICIAL_CHART for Traefik's own repository, else a folder with the chart."""
    version: str
    """The chart's version, such as 41.6.0."""
    namespace: pulumi.Input[str]
    """An existing namespace for the controller alone."""
    min_mbps: int
    """The bandwidth of OCI's flexible load balancer; ALWAYS_FREE_MBPS for both limits costs nothing."""
    max_mbps: int
    redirect_to_https: bool
    protect: bool
    """Refuse deletion, which would give up the address in DNS."""


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
        super().__init__("todo:platform:IngressController", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        service = kubernetes.core.v1.Service(
            name,
            metadata={
                "name": _TRAEFIK,
                "namespace": args.namespace,
                "annotations": pulumi.Output.from_input(args.cluster.load_balancer_group).apply(
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
            **chart_source.source(args.chart, _TRAEFIK, args.version, "https://traefik.github.io/charts"),
            skip_crds=True,  # of objects that it is told not to look for
            atomic=True,
            timeout=_INSTALL_SECONDS,
            max_history=5,
            values=_traefik_values(args),
            opts=child,
        )
        self.endpoint = pulumi.Output.all(args.cluster.kubeconfig, args.namespace, service.id, release.status).apply(
            lambda known: load_balancer.wait_for_address(known[0], known[1], _TRAEFIK)
        )
        self.register_outputs({"endpoint": self.endpoint})


def _load_balancer_annotations(args: IngressControllerArgs, network_security_group: str | None) -> Mapping[str, str]:
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
