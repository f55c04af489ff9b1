"""The stack graph: settings, components, exports."""

import pulumi

from components import settings
from components.access import DeployerAccess, DeployerAccessArgs
from components.chart import CHART
from components.cluster import ExistingCluster, ExistingClusterArgs, identify
from components.dapr import DaprComponents, DaprComponentsArgs, DaprControlPlane, DaprControlPlaneArgs
from components.namespace import Namespace, NamespaceArgs
from components.ownership import take_back_fields
from components.release import AppRelease, AppReleaseArgs
from components.secrets import AppSecrets, AppSecretsArgs

config = settings.load()
identity = identify(config.kubeconfig, named=config.cluster_identifier, stack=pulumi.get_stack())

cluster = ExistingCluster("cluster", ExistingClusterArgs(config.kubeconfig, identity))
on_cluster = pulumi.ResourceOptions(providers=[cluster.provider], transforms=[take_back_fields])

dapr_namespace, app_namespace = (
    Namespace(name, NamespaceArgs(name, owner=cluster.owner_of(name), protect=config.protect), on_cluster)
    for name in (config.dapr_namespace, config.namespace)
)

dapr = DaprControlPlane(
    "dapr",
    DaprControlPlaneArgs(
        chart=config.dapr_chart,
        version=config.dapr_version,
        namespace=dapr_namespace.name,
        scheduler=config.dapr_scheduler,
        protect=config.protect,
    ),
    on_cluster,
)

secrets = AppSecrets(
    "app-secrets",
    AppSecretsArgs(
        namespace=app_namespace.name,
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
        namespace=app_namespace.name,
        app_id="backend",
        control_plane_namespace=dapr.namespace,
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

deployer = DeployerAccess(
    "todo-app-deployer",
    DeployerAccessArgs(
        namespace=app_namespace.name, server=cluster.kubeconfig.apply(lambda kubeconfig: kubeconfig.server)
    ),
    on_cluster,
)

release = AppRelease(
    "todo-app",
    AppReleaseArgs(
        namespace=app_namespace.name,
        chart=CHART,
        values_file=config.values_file,
        timeout_seconds=config.release_timeout_seconds,
        frontend_image=config.frontend_image,
        backend_image=config.backend_image,
        secret_checksums=secrets.checksums,
        host=config.host,
        database_port=config.database_port,
        kafka_ports=config.kafka_ports,
        tracing_port=config.tracing_port,
        dapr_namespace=dapr_namespace.name,
        kafka_topic=config.kafka_topic,
        kubeconfig=cluster.kubeconfig,
    ),
    pulumi.ResourceOptions.merge(on_cluster, pulumi.ResourceOptions(depends_on=[secrets, dapr_components])),
)

pulumi.export("namespace", app_namespace.name)
pulumi.export("release", release.name)
pulumi.export("revision", release.revision)
pulumi.export("images", {"frontend": config.frontend_image, "backend": config.backend_image})
pulumi.export("endpoint", release.endpoint)
pulumi.export("daprComponents", dapr_components.names)
pulumi.export("deployerKubeconfig", deployer.kubeconfig)
