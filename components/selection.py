"""The components that a stack's settings select: its cluster, the source of its images, and its optional parts.

A provider's SDK takes a tenth of a second or more to import, in each preview and update. So the SDK of an optional part
is imported where the part is selected, here and in components/app/images.py.
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
from components.platform.ingress import INGRESS_CLASS, IngressController, IngressControllerArgs
from kube.kubeconfig import Kubeconfig
from settings.model import Settings
from settings.names import PULL_SECRET, RELEASE
from system.git import revision

# The jobs of .github/workflows/deploy-oke.yml that a pull request must pass.
CHECKS = ("Run Tests", "Run App Tests", "Run Integration Tests (1)", "Run Integration Tests (2)")


def cluster(config: Settings, stack: str) -> Cluster:
    """Return the cluster that the stack creates, or the existing one. Raises UserError if that one is unreachable."""
    if config.kubeconfig:
        return _existing(config, config.kubeconfig, stack)
    from components.cluster.oke import OkeCluster, OkeClusterArgs
    from components.cluster.oke_access import locate

    if not config.compartment_ocid:
        return _existing(config, locate(config.cluster_ocid, config.region), stack)
    return OkeCluster(
        "cluster",
        OkeClusterArgs(
            stack=stack,
            compartment_ocid=config.compartment_ocid,
            region=config.region,
            display_name=config.cluster_name,
            kubernetes_version=config.kubernetes_version or None,
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


def namespace(config: Settings, cluster: Cluster, name: str, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Return a namespace's name, known once it exists; the stack declares it unless somebody else did."""
    args = NamespaceArgs(name, owner=cluster.owner_of(name), protect=config.protect)
    return Namespace(name, args, opts).name


def image_source(config: Settings) -> Build | Registry | Pinned:
    """Return the source of the images. Raises UserError if they are built from uncommitted files."""
    match config.image_source:
        case "build":
            return Build(
                registry=config.image_registry,
                platforms=config.image_platforms,
                cache=config.image_cache,
                source=f"https://github.com/{config.repository}" if config.repository else None,
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
    """Return the names of the secrets with which nodes pull the images: none for public images."""
    credentials = _pull_credentials(config)
    if credentials is None:
        return []
    return [PullSecret(PULL_SECRET, PullSecretArgs(namespace, config.protect, credentials), opts).name]


def scans(config: Settings, images: AppImages) -> Sequence[pulumi.ResourceHook]:
    """Return the hooks that scan the images before a release."""
    if not config.image_scan:
        return []
    return [scan_hook(RELEASE, config.image_scan, config.image_platforms, resource=images)]


def ingress(
    config: Settings, cluster: Cluster, app_namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> AppIngressArgs:
    """Return the app's Ingress, with the stack's own controller and certificates if the settings select them."""
    issuer = class_name = controller_namespace = None
    address: pulumi.Input[str] = ""
    served_by: list[pulumi.Resource] = []
    if config.ingress_controller:
        class_name = INGRESS_CLASS
        controller_namespace = namespace(config, cluster, "traefik", opts)
        controller = IngressController(
            "ingress",
            IngressControllerArgs(
                cluster=cluster,
                chart=config.ingress_chart,
                version=config.ingress_version,
                namespace=controller_namespace,
                redirect_to_https=bool(config.lets_encrypt_email),
                protect=config.protect,
            ),
            opts,
        )
        address = controller.endpoint
        served_by.append(controller)
    if config.lets_encrypt_email:
        cert_manager = CertManager(
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
        issuer = cert_manager.issuer
        served_by.append(cert_manager)
    return AppIngressArgs(config.host or None, class_name, controller_namespace, issuer, address, served_by)


def repository(config: Settings, kubeconfig: pulumi.Input[str]) -> None:
    """Declare the GitHub repository that delivers, if the settings name one.

    kubeconfig: for its secret KUBECONFIG.
    """
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
    identity = identify(kubeconfig, named=config.cluster_identifier or None, stack=stack)
    return ExistingCluster("cluster", ExistingClusterArgs(kubeconfig, identity))


def _pull_credentials(config: Settings) -> PullCredentials | None:
    if not config.registry_user:
        return None
    images = config.image_registry if config.image_source == "build" else config.backend_image
    return PullCredentials(images.partition("/")[0], config.registry_user, config.registry_token)
