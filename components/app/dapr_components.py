"""The Dapr components, policies and configuration that the backend's sidecar loads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pulumi

from components.manifest import Manifest
from settings.names import APP_SECRETS, KAFKA_SECRETS, STATE_URL

_V1 = "dapr.io/v1alpha1"


@dataclass(frozen=True)
class DaprComponentsArgs:
    """Arguments of DaprComponents."""

    namespace: pulumi.Input[str]
    app_id: str  # the only Dapr app that may load them
    control_plane_namespace: pulumi.Input[str]
    version: str  # of Dapr, hence of the sidecar
    kafka_brokers: Sequence[str]  # host:port
    kafka_sasl_mechanism: str  # SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN
    kafka_tls: bool
    kafka_topic: str
    kafka_consumer_group: str
    tracing_endpoint: str | None  # host:port of an OpenTelemetry collector (gRPC)
    tracing_sampling_rate: float  # 0 to 1


class DaprComponents(pulumi.ComponentResource):
    """A pub/sub, a state store and a secret store, with their resiliency, subscription and configuration."""

    names: Sequence[str]  # of the components, as `kubectl get components` lists them
    checksum: pulumi.Output[str]  # of everything that a sidecar reads when it starts; a new one requires new pods

    def __init__(self, name: str, args: DaprComponentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:app:DaprComponents", name, opts=opts)
        components = {
            "todo-pubsub": _kafka_pubsub(args),
            "todo-state": _postgresql_state(),
            "todo-secrets": {"type": "secretstores.kubernetes", "version": "v1", "metadata": []},
        }
        subscription = {
            "pubsubname": "todo-pubsub",
            "topic": args.kafka_topic,
            "routes": {"default": "/events/todo"},
            "deadLetterTopic": f"{args.kafka_topic}-dead",
        }
        scopes = {"scopes": [args.app_id]}
        objects: Sequence[tuple[str, str, str, Mapping[str, Any]]] = [
            *(
                (_V1, "Component", component, {"spec": spec, "auth": {"secretStore": "kubernetes"}, **scopes})
                for component, spec in components.items()
            ),
            (_V1, "Resiliency", "todo-resiliency", {"spec": _resiliency(), **scopes}),
            ("dapr.io/v2alpha1", "Subscription", "todo-events", {"spec": subscription, **scopes}),
            (_V1, "Configuration", "todo-app", {"spec": _configuration(args)}),
        ]
        for api_version, kind, object_name, content in objects:
            metadata = {"name": object_name, "namespace": args.namespace}
            manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, **content}
            Manifest(object_name, manifest, pulumi.ResourceOptions(parent=self))
        self.names = sorted(components)
        # https://docs.dapr.io/operations/components/component-updates/
        self.checksum = pulumi.Output.json_dumps([args.version, objects], sort_keys=True).apply(
            lambda text: sha256(text.encode()).hexdigest()[:16]
        )
        self.register_outputs({"names": self.names, "checksum": self.checksum})


def _kafka_pubsub(args: DaprComponentsArgs) -> Mapping[str, Any]:
    # https://docs.dapr.io/reference/components-reference/supported-pubsub/setup-apache-kafka/
    mechanism = {"SCRAM-SHA-256": "SHA-256", "SCRAM-SHA-512": "SHA-512", "PLAIN": "PLAINTEXT"}
    return {
        "type": "pubsub.kafka",
        "version": "v1",
        "initTimeout": "30s",
        "metadata": [
            {"name": "brokers", "value": ",".join(args.kafka_brokers)},
            {"name": "consumerGroup", "value": args.kafka_consumer_group},
            {"name": "authType", "value": "password"},
            {"name": "saslMechanism", "value": mechanism[args.kafka_sasl_mechanism]},
            {"name": "saslUsername", "secretKeyRef": {"name": KAFKA_SECRETS, "key": "username"}},
            {"name": "saslPassword", "secretKeyRef": {"name": KAFKA_SECRETS, "key": "password"}},
            {"name": "disableTls", "value": "false" if args.kafka_tls else "true"},
            {"name": "initialOffset", "value": "oldest"},
        ],
    }


def _postgresql_state() -> Mapping[str, Any]:
    # https://docs.dapr.io/reference/components-reference/supported-state-stores/setup-postgresql-v2/
    return {
        "type": "state.postgresql",
        "version": "v2",
        "initTimeout": "30s",
        "metadata": [
            {"name": "connectionString", "secretKeyRef": {"name": APP_SECRETS, "key": STATE_URL}},
            {"name": "tablePrefix", "value": "dapr_"},
            {"name": "maxConns", "value": "4"},
            # No row expires.
            {"name": "cleanupInterval", "value": "0"},
        ],
    }


def _resiliency() -> Mapping[str, Any]:
    # https://docs.dapr.io/operations/resiliency/policies/
    target = {"timeout": "request", "retry": "brief", "circuitBreaker": "shared"}
    return {
        "policies": {
            "timeouts": {"request": "10s"},
            "retries": {
                "brief": {"policy": "exponential", "maxInterval": "5s", "maxRetries": 3},
                # An hour: a database outage must not turn events into dead letters. Not exponential, because Dapr gives
                # up exponential retries after 15 minutes: DefaultMaxElapsedTime of cenkalti/backoff.
                "patient": {"policy": "constant", "duration": "10s", "maxRetries": 360},
            },
            "circuitBreakers": {
                "shared": {"maxRequests": 1, "interval": "30s", "timeout": "30s", "trip": "consecutiveFailures > 5"}
            },
        },
        "targets": {
            "components": {
                "todo-pubsub": {"outbound": target, "inbound": {"timeout": "request", "retry": "patient"}},
                "todo-state": {"outbound": target},
            }
        },
    }


def _configuration(args: DaprComponentsArgs) -> Mapping[str, Any]:
    # https://docs.dapr.io/reference/resource-specs/configuration-schema/
    tracing: dict[str, Any] = {"samplingRate": str(args.tracing_sampling_rate)}
    if args.tracing_endpoint:
        tracing["otel"] = {"endpointAddress": args.tracing_endpoint, "isSecure": False, "protocol": "grpc"}
    return {
        "tracing": tracing,
        "mtls": {
            "enabled": True,
            "controlPlaneTrustDomain": "cluster.local",
            "sentryAddress": pulumi.Output.concat(
                "dapr-sentry.", args.control_plane_namespace, ".svc.cluster.local:443"
            ),
        },
        # The sidecar serves only the backend's own APIs, and nobody can call the backend through Dapr.
        "api": {
            "allowed": [
                {"name": api, "version": "v1", "protocol": protocol}
                for api in ("publish", "state", "secrets", "metadata")
                for protocol in ("http", "grpc")
            ]
        },
        "accessControl": {"defaultAction": "deny", "trustDomain": "public"},
        "secrets": {
            "scopes": [
                {
                    "storeName": "todo-secrets",
                    "defaultAccess": "deny",
                    "allowedSecrets": [APP_SECRETS, KAFKA_SECRETS],
                },
                {"storeName": "kubernetes", "defaultAccess": "deny"},  # Dapr's built-in store
            ]
        },
    }
