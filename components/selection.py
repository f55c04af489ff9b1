"""What a stack's settings choose: its cluster, where its images come from, and the parts that it may do without.

A provider's SDK takes a tenth of a second or more to import, and each preview and update is a process of its own. So
that of a part that a stack may do without is imported where the part is chosen, here and in components/app/images.py.
"""

from collections.abc import Sequence
from pathlib import Path

import pulumi

from components.app.image_scan import scan_hook
from components.app.images import AppImages, Build, Pinned, PullCredentials, PullSecret, PullSecretArgs, Registry
from components.app.release import AppIngressArgs
from components.cluster.existing import ExistingCluster, ExistingClusterArgs, identify
from components.cluster.namespace import Namespace, NamespaceArgs
from components.cluster.protocol import Cluster
from components.platform.cert_manager import CertManager, CertManagerArgs
from components.platform.ingress import ALWAYS_FREE_MBPS, INGRESS_CLASS, IngressController, IngressControllerArgs
from kube.kubeconfig import Kubeconfig
from settings.model import Settings
from system.git import revision

# The jobs of .github/workflows/deploy-oke.yml that a pull request needs, by their names.
CHECKS = ("Run Tests", "Run App Tests", "Run Integration Tests (1)", "Run Integration Tests (2)")


def cluster(config: Settings, stack: str) -> Cluster:
    """The cluster that the stack makes, or the one that it finds.

    Raises ClusterError where that one does not answer, before anything is declared.
    """
    if config.kubeconfig:
        return _existing(config, config.kubeconfig, stack)
    from components.cluster.oke import OkeCluster, OkeClusterArgs
    from components.cluster.oke_access import locate

    if config.compartment_ocid:
        return OkeCluster(
            "cluster",
            OkeClusterArgs(
                stack=stack,
                compartment_ocid=config.compartment_ocid,
                region=config.region,
                display_name=config.cluster_name,
                kubernetes_version=config.kubernetes_version,
                node_count=config.node_count,
                node_ocpus=config.node_ocpus,
                node_memory_gb=config.node_memory_gb,
                node_boot_volume_gb=config.node_boot_volume_gb,
                api_allowed_cidrs=config.api_allowed_cidrs,
                protect=config.protect,
                retain_on_delete=config.retain_on_delete,
                tags={"todo-oke-stack": stack},
            ),
        )
    return _existing(config, locate(config.cluster_ocid, config.region), stack)


def namespace(config: Settings, cluster: Cluster, name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A namespace's name, known once it exists; the stack declares it where nobody else did."""
    args = NamespaceArgs(name, owner=cluster.owner_of(name), protect=config.protect)
    return Namespace(name, args, opts).name


def image_source(config: Settings) -> Build | Registry | Pinned:
    """Where the images come from. Raises UserError where they are built and no commit stands for them."""
    match config.image_source:
        case "build":
            return Build(
                registry=config.image_registry,
                platforms=config.image_platforms,
                cache=config.image_cache,
                source=f"https://github.com/{config.repository}" if config.repository else "",
                frontend=revision(Path("frontend")),
                backend=revision(Path("backend")),
            )
        case "registry":
            return Registry(config.frontend_image, config.backend_image, _pull_credentials(config))
        case _:
            return Pinned(config.frontend_image, config.backend_image)


def pull_secrets(
    config: Settings, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> Sequence[pulumi.Input[str]]:
    """The names of the secrets with which the nodes pull the images: none where everybody may."""
    credentials = _pull_credentials(config)
    if credentials is None:
        return []
    secret = PullSecret("registry-pull", PullSecretArgs(namespace, config.protect, credentials), opts)
    return [secret.name]


def scans(config: Settings, images: AppImages) -> Sequence[pulumi.ResourceHook]:
    """What looks for vulnerabilities before a release."""
    if not config.image_scan:
        return []
    return [scan_hook("todo-app", config.image_scan, config.image_platforms, told_on=images)]


def ingress(
    config: Settings, cluster: Cluster, app_namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> AppIngressArgs:
    """How the app is reached: through the stack's own controller and certificates, or as the values file says."""
    issuer = class_name = controller_namespace = None
    address: pulumi.Input[str] = ""
    served_by: list[pulumi.Resource] = []
    if config.ingress_controller:
        controller_namespace = namespace(config, cluster, "traefik", opts)
        class_name = INGRESS_CLASS
        controller = IngressController(
            "ingress",
            IngressControllerArgs(
                cluster=cluster,
                chart=config.ingress_chart,
                version=config.ingress_version,
                namespace=controller_namespace,
                min_mbps=ALWAYS_FREE_MBPS,
                max_mbps=ALWAYS_FREE_MBPS,
                redirect_to_https=bool(config.lets_encrypt_email),
                protect=config.protect,
            ),
            opts,
        )
        address = controller.endpoint
        served_by.append(controller)
    if config.lets_encrypt_email:
        certificates = CertManager(
            "cert-manager",
            CertManagerArgs(
                chart=config.cert_manager_chart,
                version=config.cert_manager_version,
                namespace=namespace(config, cluster, "cert-manager", opts),
                app_namespace=app_namespace,
                email=config.lets_encrypt_email,
                protect=config.protect,
            ),
            opts,
        )
        issuer = certificates.issuer
        served_by.append(certificates)
    return AppIngressArgs(config.host or None, class_name, controller_namespace, issuer, address, served_by)


def repository(config: Settings, kubeconfig: pulumi.Input[str]) -> None:
    """The GitHub repository that delivers, where the stack keeps it; kubeconfig: for its secret KUBECONFIG."""
    if not config.repository:
        return
    from components.repository.environment import DeliveryRepository, DeliveryRepositoryArgs

    DeliveryRepository(
        "delivery",
        DeliveryRepositoryArgs(
            repository=config.repository,
            reviewers=config.reviewers,
            kubeconfig=kubeconfig,
            cohere_api_key=config.cohere_api_key,
            better_auth_secret=config.better_auth_secret,
            database_url=config.database_url,
            kafka_username=config.kafka_username,
            kafka_password=config.kafka_password,
            variables={"SIGN_IMAGES": str(config.sign_images).lower()},
            required_checks=CHECKS if config.require_checks else [],
            protect=config.protect,
        ),
    )


def _existing(config: Settings, kubeconfig: Kubeconfig, stack: str) -> ExistingCluster:
    identity = identify(kubeconfig, named=config.cluster_identifier, stack=stack)
    return ExistingCluster("cluster", ExistingClusterArgs(kubeconfig, identity))


def _pull_credentials(config: Settings) -> PullCredentials | None:
    if not config.registry_user:
        return None
    images = config.image_registry if config.image_source == "build" else config.backend_image
    host = images.partition("/")[0]
    return PullCredentials(host, config.registry_user, config.registry_token)
