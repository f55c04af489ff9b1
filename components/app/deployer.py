"""The identity that delivers the app and can do nothing else: what the GitHub secret KUBECONFIG holds."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes

from components.cluster.protocol import Cluster
from kube.kubeconfig import of_service_account

# What a Helm release of the chart needs: to read and write each kind that it renders, and Helm's own records, which are
# secrets. Kubernetes cannot narrow `list` or `create` to some secrets of a namespace, hence all of the namespace's.
_WRITE = ["get", "list", "watch", "create", "update", "patch", "delete"]
_READ = ["get", "list", "watch"]
RULES: list[kubernetes.rbac.v1.PolicyRuleArgsDict] = [
    {"api_groups": [""], "resources": ["secrets", "services", "serviceaccounts", "configmaps"], "verbs": _WRITE},
    {"api_groups": ["apps"], "resources": ["deployments"], "verbs": _WRITE},
    {"api_groups": ["batch"], "resources": ["jobs"], "verbs": _WRITE},
    {"api_groups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": _WRITE},
    {"api_groups": ["policy"], "resources": ["poddisruptionbudgets"], "verbs": _WRITE},
    {"api_groups": ["networking.k8s.io"], "resources": ["ingresses", "networkpolicies"], "verbs": _WRITE},
    # The API server refuses to let it grant what it may not do itself (no `escalate`, no `bind`).
    {"api_groups": ["rbac.authorization.k8s.io"], "resources": ["roles", "rolebindings"], "verbs": _WRITE},
    # `helm test` makes pods; the rest is what it takes to watch a rollout and to see why one fails.
    {"api_groups": [""], "resources": ["pods"], "verbs": _WRITE},
    {"api_groups": [""], "resources": ["pods/log", "events"], "verbs": _READ},
    {"api_groups": ["apps"], "resources": ["replicasets"], "verbs": _READ},
    {"api_groups": ["dapr.io"], "resources": ["components"], "verbs": _READ},
]


@dataclass(frozen=True)
class DeployerArgs:
    """Arguments of Deployer."""

    cluster: Cluster
    namespace: pulumi.Input[str]
    """The only namespace in which the identity has permissions."""


class Deployer(pulumi.ComponentResource):
    """A service account `todo-app-deployer`, its role in one namespace, and a kubeconfig (secret) that is only a token.

    The kubeconfig is no output of the component, nor may it be one of the stack: Pulumi's SDK logs outputs at level
    debug, secret ones in plain text.

    The token lives as long as its Kubernetes secret and is revoked with it; to rotate it, replace that secret:
    `pulumi up --replace URN`.
    Source: https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens
    """

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
