"""The least-privilege identity that delivers the app, in the GitHub secret KUBECONFIG."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.protocol import Cluster
from kube.kubeconfig import of_service_account

# A Helm release reads and writes each kind in the chart, and Helm's records, which are secrets. RBAC cannot restrict
# `list` or `create` to single secrets, hence all of them.
_WRITE = ["get", "list", "watch", "create", "update", "patch", "delete"]
_READ = ["get", "list", "watch"]
RULES: list[kubernetes.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [""], "resources": ["secrets", "services", "serviceaccounts", "configmaps"], "verbs": _WRITE},
    {"api_groups": ["apps"], "resources": ["deployments"], "verbs": _WRITE},
    {"api_groups": ["batch"], "resources": ["jobs"], "verbs": _WRITE},
    {"api_groups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": _WRITE},
    {"api_groups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": _WRITE},
    {"api_groups": ["networking.k8s.io"], "resources": ["ingresses", "networkpolicies"], "verbs": _WRITE},
    # It cannot grant more than its own permissions (no `escalate`, no `bind`).
    {"api_groups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": _WRITE},
    # `helm test` creates pods; the rest is for watching a rollout.
    {"api_groups": [""], "resources": ["pods"], "verbs": _WRITE},
    {"api_groups": [""], "resources": ["pods/log", "events"], "verbs": _READ},
    {"api_groups": ["apps"], "resources": ["replicasets"], "verbs": _READ},
    {"api_groups": ["dapr.io"], "resources": ["components"], "verbs": _READ},
]


@dataclass(frozen=True)
class DeployerArgs:
    """Arguments of Deployer."""

    cluster: Cluster
    namespace: pulumi.Input[str]  # the only one in which the identity has permissions


class Deployer(pulumi.ComponentResource):
    """A service account with a role in one namespace, and the kubeconfig of its token.

    The token lives as long as its Kubernetes secret; `pulumi up --replace URN` of the secret rotates it.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
    """

    # A secret, and not a registered output: Pulumi's SDK logs outputs in plain text at level debug.
    kubeconfig: pulumi.Output[str]

    def __init__(self, name: str, args: DeployerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:app:Deployer", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        metadata: kubernetes.meta.v1.ObjectMetaArgsDict = {"name": name, "namespace": args.namespace}
        account = kubernetes.core.v1.ServiceAccount(
            name, metadata=metadata, automount_service_account_token=False, opts=child
        )
        role = kubernetes.rbac.v1.Role(name, metadata=metadata, rules=RULES, opts=child)
        kubernetes.rbac.v1.RoleBinding(
            name,
            metadata=metadata,
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "Role", "name": role.metadata.name},
            subjects=[{"kind": "ServiceAccount", "name": account.metadata.name, "namespace": args.namespace}],
            opts=child,
        )
        token = kubernetes.core.v1.Secret(
            f"{name}-token",
            metadata={
                "name": f"{name}-token",
                "namespace": args.namespace,
                "annotations": {"kubernetes.io/service-account.name": account.metadata.name},
            },
            type="kubernetes.io/service-account-token",
            opts=child,
        )
        self.kubeconfig = pulumi.Output.secret(
            pulumi.Output.all(name, args.namespace, args.cluster.kubeconfig, token.data).apply(
                lambda known: of_service_account(known[0], known[1], known[2].server, known[3])
            )
        )
        self.register_outputs({})
