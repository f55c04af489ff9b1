"""The smallest Pulumi program that deploys the shell pipeline's two secrets and its release.

It has no validation, no drift detection, no restart after a changed secret and no rollout errors.
"""

import os

import pulumi
import pulumi_kubernetes as kubernetes

config = pulumi.Config()
namespace = config.require("namespace")
provider = kubernetes.Provider("cluster", kubeconfig=os.environ["KUBECONFIG"], namespace=namespace)
of_cluster = pulumi.ResourceOptions(provider=provider)
secrets = [
    kubernetes.core.v1.Secret(
        name, metadata={"name": name}, string_data=config.require_secret_object(name), opts=of_cluster
    )
    for name in ("app-secrets", "kafka-secrets")
]
kubernetes.helm.v3.Release(
    "todo-app",
    name="todo-app",
    namespace=namespace,
    chart=config.require("chart"),
    value_yaml_files=[pulumi.FileAsset(f"{config.require('chart')}/values-local.yaml")],
    values={app: {"image": config.require(f"{app}Image")} for app in ("frontend", "backend")},
    atomic=True,
    timeout=300,
    opts=pulumi.ResourceOptions(provider=provider, depends_on=secrets),
)
