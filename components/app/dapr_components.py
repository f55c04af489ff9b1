"""What the app has of Dapr: the components that the backend's sidecar loads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pulumi

from components.manifest import Manifest
from settings.names import APP_SECRETS, KAFKA_SECRETS, STATE_URL


@dataclass(frozen=True)
class DaprComponentsArgs:
    """app_id: the Dapr app that may load them; control_plane_namespace: where its sidecar finds sentry.

    version: Dapr's, which is the sidecar's.
    kafka_brokers: host:port each; kafka_sasl_mechanism: SCRAM-SHA-256, SCRAM-SHA-512 or PLAIN.
    tracing_endpoint: host:port of an OpenTelemetry collector (gRPC), or empty; tracing_sampling_rate: 0 to 1.
    """

    namespace: pulumi.Input[str]
    app_id: str
    control_plane_namespace: pulumi.Input[str]
    version: str
    kafka_brokers: Sequence[str]
    kafka_sasl_mechanism: str
    kafka_tls: bool
    kafka_topic: str
    kafka_consumer_group: str
    tracing_endpoint: str
    tracing_sampling_rate: float


class DaprComponents(pulumi.ComponentResource):
    """What the backend's sidecar loads: pub/sub, state store, secret store, resiliency, subscription, configuration.

    names: of the Dapr components, as `kubectl get components` lists them.
    checksum: of all that a sidecar has from its start, and of its version: another one calls for new pods.
    """

    names: Sequence[str]
    checksum: pulumi.Output[str]

    def __init__(self, name: str, args: DaprComponentsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:app:DaprComponents", name, opts=opts)
        child = pulumi.ResourceOptions(parent=self)
        declared: list[Any] = []

        def declare(kind: str, object_name: str, content: Mapping[str, Any], api: str = "dapr.io/v1alpha1") -> None:
            metadata = {"name": object_name, "namespace": args.namespace}
            Manifest(object_name, {"apiVersion": api, "kind": kind, "metadata": metadata, **content}, child)
            declared.append([kind, object_name, content])

        components = {
            "todo-pubsub": _kafka_pubsub(args),
            "todo-state": _postgresql_state(),
            "todo-secrets": {"type": "secretstores.kubernetes", "version": "v1", "metadata": []},
        }
        for component, spec in components.items():
            declare(
                "Component",
                component,
                {"spec": spec, "auth": {"secretStore": "kubernetes"}, "scopes": [args.app_id]},
            )
        declare("Resiliency", "todo-resiliency", {"spec": _resiliency(), "scopes": [args.app_id]})
        declare(
            "Subscription",
            "todo-events",
            {
                "spec": {
                    "pubsubname": "todo-pubsub",
                    "topic": args.kafka_topic,
                    "routes": {"default": "/events/todo"},
                    "deadLetterTopic": f"{args.kafka_topic}-dead",
                },
                "scopes": [args.app_id],
            },
            api="dapr.io/v2alpha1",
        )
        declare("Configuration", "todo-app", {"spec": _configuration(args)})
        self.names = sorted(components)
        # It reads them at its start: https://docs.dapr.io/operations/components/component-updates/
        self.checksum = pulumi.Output.json_dumps([args.version, declared], sort_keys=True).apply(
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
            # Nothing in it expires.
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
                # An hour: an event is not given up to the dead letters because the database is away. Not exponential,
                # of which Dapr gives every one up after 15 minutes: DefaultMaxElapsedTime of cenkalti/backoff.
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
        # The sidecar serves what the backend uses, on both protocols, and nobody may call the backend through Dapr.
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
                {"storeName": "kubernetes", "defaultAccess": "deny"},  # the one that Dapr adds by itself
            ]
        },
    }
