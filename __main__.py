"""The stack graph: settings, components, exports."""

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
from components.transforms import take_back_fields
from settings.chart import CHART
from settings.model import load_settings


def declare() -> None:
    """Declare the graph of the selected stack."""
    config = load_settings()
    image_source = selection.image_source(config)
    definitions = dapr_crds.read(config.dapr_chart, config.dapr_version)
    cluster = selection.cluster(config, pulumi.get_stack())
    on_cluster = pulumi.ResourceOptions(providers=[cluster.provider], transformations=[take_back_fields])

    app_namespace, dapr_namespace = (
        selection.namespace(config, cluster, name, on_cluster) for name in (config.namespace, config.dapr_namespace)
    )

    ingress = selection.ingress(config, cluster, app_namespace, on_cluster)

    dapr = DaprControlPlane(
        "dapr",
        DaprControlPlaneArgs(
            chart=config.dapr_chart,
            version=config.dapr_version,
            definitions=definitions,
            namespace=dapr_namespace,
            scheduler=config.dapr_scheduler,
            protect=config.protect,
        ),
        on_cluster,
    )

    images = AppImages("images", AppImagesArgs(image_source))

    secrets = AppSecrets(
        "app-secrets",
        AppSecretsArgs(
            namespace=app_namespace,
            protect=config.protect,
            cohere_api_key=config.cohere_api_key,
            better_auth_secret=config.better_auth_secret,
            database_url=config.database_url,
            kafka_username=config.kafka_username,
            kafka_password=config.kafka_password,
        ),
        on_cluster,
    )

    dapr_components = DaprComponents(
        "dapr-components",
        DaprComponentsArgs(
            namespace=app_namespace,
            app_id="backend",
            control_plane_namespace=dapr.namespace,
            version=config.dapr_version,
            kafka_brokers=config.kafka_brokers,
            kafka_sasl_mechanism=config.kafka_sasl_mechanism,
            kafka_tls=config.kafka_tls,
            kafka_topic=config.kafka_topic,
            kafka_consumer_group=config.kafka_consumer_group,
            tracing_endpoint=config.tracing_endpoint,
            tracing_sampling_rate=config.tracing_sampling_rate,
        ),
        pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[dapr])),
    )

    deployer = Deployer(
        "todo-app-deployer",
        DeployerArgs(cluster=cluster, namespace=app_namespace),
        on_cluster,
    )

    release = AppRelease(
        "todo-app",
        AppReleaseArgs(
            cluster=cluster,
            namespace=app_namespace,
            chart=CHART,
            values_file=config.values_file,
            timeout_seconds=config.release_timeout_seconds,
            frontend_image=images.frontend,
            backend_image=images.backend,
            pull_secrets=selection.pull_secrets(config, app_namespace, on_cluster),
            before=selection.scans(config, images),
            secret_checksums=secrets.checksums,
            ingress=ingress,
            database_port=config.database_port,
            kafka_ports=config.kafka_ports,
            tracing_port=config.tracing_port,
            dapr_namespace=dapr_namespace,
            kafka_topic=config.kafka_topic,
            dapr_checksum=dapr_components.checksum,
        ),
        pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[secrets, dapr_components])),
    )

    selection.repository(config, deployer.kubeconfig)

    pulumi.export("namespace", app_namespace)
    pulumi.export("release", release.name)
    pulumi.export("revision", release.revision)
    pulumi.export("images", {"frontend": images.frontend, "backend": images.backend})
    pulumi.export("endpoint", release.endpoint)
    pulumi.export("url", release.url)
    pulumi.export("address", ingress.address)
    pulumi.export("daprComponents", dapr_components.names)
    pulumi.export("verifyTimeoutSeconds", config.verify_timeout_seconds)


with as_run_errors():
    declare()
