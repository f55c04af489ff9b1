"""The graph of a stack.

settings ── cluster ──┬── platform: ingress, Dapr
                      └── app: images, secrets, Dapr components, release
                           └── deployer ── repository
"""

import pulumi

from components import selection
from components.app.dapr_components import DaprComponents, DaprComponentsArgs
from components.app.deployer import Deployer, DeployerArgs
from components.app.images import AppImages, AppImagesArgs
from components.app.release import AppRelease, AppReleaseArgs
from components.app.secrets import AppSecrets, AppSecretsArgs
from components.errors import as_run_errors
from components.platform import dapr_crds
from components.platform.dapr import DaprControlPlane, DaprControlPlaneArgs
from components.transforms import force_field_ownership
from settings.chart import CHART
from settings.model import load_settings


def declare() -> None:
    """Declare the graph of the selected stack."""
    # Everything that can fail by a mistake of the user comes before the first resource.
    settings = load_settings()
    image_source = selection.image_source(settings)
    crds = dapr_crds.read(settings.dapr_chart, settings.dapr_version)

    # Cluster
    cluster = selection.cluster(settings, pulumi.get_stack())
    on_cluster = pulumi.ResourceOptions(providers=[cluster.provider], transformations=[force_field_ownership])
    app_namespace = selection.namespace(settings, cluster, settings.namespace, on_cluster)
    dapr_namespace = selection.namespace(settings, cluster, settings.dapr_namespace, on_cluster)

    # Platform
    ingress = selection.ingress(settings, cluster, app_namespace, on_cluster)

    dapr = DaprControlPlane(
        "dapr",
        DaprControlPlaneArgs(
            chart=settings.dapr_chart,
            version=settings.dapr_version,
            crds=crds,
            namespace=dapr_namespace,
            scheduler=settings.dapr_scheduler,
            protect=settings.protect,
        ),
        on_cluster,
    )

    # App
    images = AppImages("images", AppImagesArgs(image_source))

    secrets = AppSecrets(
        "app-secrets",
        AppSecretsArgs(
            namespace=app_namespace,
            protect=settings.protect,
            cohere_api_key=settings.cohere_api_key,
            better_auth_secret=settings.better_auth_secret,
            database_url=settings.database_url,
            kafka_username=settings.kafka_username,
            kafka_password=settings.kafka_password,
        ),
        on_cluster,
    )

    dapr_components = DaprComponents(
        "dapr-components",
        DaprComponentsArgs(
            namespace=app_namespace,
            app_id="backend",
            control_plane_namespace=dapr.namespace,
            version=settings.dapr_version,
            kafka_brokers=settings.kafka_brokers,
            kafka_sasl_mechanism=settings.kafka_sasl_mechanism,
            kafka_tls=settings.kafka_tls,
            kafka_topic=settings.kafka_topic,
            kafka_consumer_group=settings.kafka_consumer_group,
            tracing_endpoint=settings.tracing_endpoint or None,
            tracing_sampling_rate=settings.tracing_sampling_rate,
        ),
        _after(on_cluster, dapr),
    )

    deployer = Deployer("todo-app-deployer", DeployerArgs(cluster=cluster, namespace=app_namespace), on_cluster)

    release = AppRelease(
        "todo-app",
        AppReleaseArgs(
            cluster=cluster,
            namespace=app_namespace,
            chart=CHART,
            values_file=settings.values_file,
            timeout_seconds=settings.release_timeout_seconds,
            frontend_image=images.frontend,
            backend_image=images.backend,
            pull_secrets=selection.pull_secrets(settings, app_namespace, on_cluster),
            before=selection.scans(settings, images),
            secret_checksums=secrets.checksums,
            ingress=ingress,
            database_port=settings.database_port,
            kafka_ports=settings.kafka_ports,
            tracing_port=settings.tracing_port,
            dapr_namespace=dapr_namespace,
            kafka_topic=settings.kafka_topic,
            dapr_checksum=dapr_components.checksum,
        ),
        _after(on_cluster, secrets, dapr_components),
    )

    # Repository
    selection.repository(settings, deployer.kubeconfig)

    # The outputs that `python -m delivery` reads
    pulumi.export("namespace", app_namespace)
    pulumi.export("release", release.name)
    pulumi.export("revision", release.revision)
    pulumi.export("images", {"frontend": images.frontend, "backend": images.backend})
    pulumi.export("endpoint", release.endpoint)
    pulumi.export("url", release.url)
    pulumi.export("address", ingress.address)
    pulumi.export("daprComponents", dapr_components.names)
    pulumi.export("verifyTimeoutSeconds", settings.verify_timeout_seconds)


def _after(options: pulumi.ResourceOptions, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
    return pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(depends_on=resources))


with as_run_errors():
    declare()
