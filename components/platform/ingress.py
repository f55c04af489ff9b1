"""The ingress controller and its load balancer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.protocol import Cluster
from components.platform import chart_source, load_balancer

INGRESS_CLASS = "traefik"

# https://docs.oracle.com/en-us/iaas/Content/FreeTier/freetier_topic-Always_Free_Resources.htm
_ALWAYS_FREE_MBPS = "10"
_TRAEFIK = "traefik"  # the release, its pods' labels, and the Service
_INSTALL_SECONDS = 600  # images are pulled on a new node

# The load balancer's traffic comes from a node's address, or from the node's address in the pod network.
_PRIVATE_CIDRS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
# Below the frontend's 65 s and the backend's 75 s: a request on a connection that the app closes is lost.
_IDLE_SECONDS = 60


@dataclass(frozen=True)
class IngressControllerArgs:
    """Arguments of IngressController."""

    cluster: Cluster  # without a load_balancer_group, OKE opens the subnets' security lists
    chart: str  # OFFICIAL_CHART for Traefik's own repository, else a folder with the chart
    version: str  # of the chart, such as 41.6.0
    namespace: pulumi.Input[str]  # exists, for the controller alone
    redirect_to_https: bool
    protect: bool  # refuse deletion, which would give up the address in DNS


class IngressController(pulumi.ComponentResource):
    """Traefik as a Helm release, for the ingresses of class INGRESS_CLASS, and the load balancer in front of it.

    The Service is a resource and not part of the release: the load balancer keeps its address when the release rolls
    back, the stack deletes it before its network, and a cluster without load balancers is no failure.
    Source: https://docs.oracle.com/en-us/iaas/Content/ContEng/Tasks/contengcreatingloadbalancer_topic-Summaryofannotations.htm
    """

    endpoint: pulumi.Output[str]  # the load balancer's address; empty if the cluster assigns none

    def __init__(self, name: str, args: IngressControllerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:platform:IngressController", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self, protect=args.protect)
        service = kubernetes.core.v1.Service(
            name,
            metadata={
                "name": _TRAEFIK,
                "namespace": args.namespace,
                "annotations": pulumi.Output.from_input(args.cluster.load_balancer_group).apply(
                    _load_balancer_annotations
                ),
            },
            spec={
                "type": "LoadBalancer",
                # Every node accepts traffic. The PROXY protocol carries the client's address, so Local is not needed.
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
            skip_crds=True,  # their provider is disabled
            atomic=True,
            timeout=_INSTALL_SECONDS,
            max_history=5,
            values=_values(args),
            opts=child,
        )
        self.endpoint = pulumi.Output.all(args.cluster.kubeconfig, args.namespace, service.id, release.status).apply(
            lambda known: load_balancer.wait_for_address(known[0], known[1], _TRAEFIK)
        )
        self.register_outputs({"endpoint": self.endpoint})


def _load_balancer_annotations(network_security_group: str | None) -> Mapping[str, str]:
    annotations = {
        "pulumi.com/skipAwait": "true",  # otherwise a cluster without load balancers fails after ten minutes
        "service.beta.kubernetes.io/oci-load-balancer-shape": "flexible",
        "service.beta.kubernetes.io/oci-load-balancer-shape-flex-min": _ALWAYS_FREE_MBPS,
        "service.beta.kubernetes.io/oci-load-balancer-shape-flex-max": _ALWAYS_FREE_MBPS,
        "service.beta.kubernetes.io/oci-load-balancer-connection-proxy-protocol-version": "2",
    }
    if network_security_group:
        annotations["oci.oraclecloud.com/oci-network-security-groups"] = network_security_group
        annotations["oci.oraclecloud.com/security-rule-management-mode"] = "None"
    return annotations


def _values(args: IngressControllerArgs) -> Mapping[str, Any]:
    entry_point = {
        "proxyProtocol": {"trustedIPs": _PRIVATE_CIDRS},
        # Accept requests until all nodes have removed the pod, then wait for the backend's slowest response (25 s).
        "transport": {"lifeCycle": {"requestAcceptGraceTimeout": "5s", "graceTimeOut": "30s"}},
    }
    http = {"aliasHeadersStrategy": "delete"}  # X_Forwarded_For must not pass for X-Forwarded-For
    # ACME challenges are redirected too: Let's Encrypt follows and ignores the certificate.
    # https://letsencrypt.org/docs/challenge-types/#http-01-challenge
    redirect = {"entryPoint": {"to": "websecure", "scheme": "https", "permanent": True}}
    return {
        "instanceLabelOverride": _TRAEFIK,
        # Two, so that the app's replicas do not depend on one. Together they take 100m of the free tier's 2 OCPU.
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
                "strictPrefixMatching": True,  # /api must not match /apis
                "publishedService": {"pathOverride": pulumi.Output.concat(args.namespace, "/", _TRAEFIK)},
            },
        },
        "additionalArguments": [f"--serversTransport.forwardingTimeouts.idleConnTimeout={_IDLE_SECONDS}s"],
        "api": {"dashboard": False},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "log": {"format": "json"},
    }
