"""The settings of a stack: every key that Pulumi.yaml declares, typed, and checked before any resource is declared.

Nothing else in the program reads `pulumi.Config`.
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import pulumi
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from kube.kubeconfig import Kubeconfig
from settings.types import (
    Boolean,
    Brokers,
    ChartSource,
    Cidrs,
    ClusterName,
    ClusterOcid,
    CompartmentOcid,
    DatabaseUrl,
    Email,
    Endpoint,
    HostName,
    Image,
    KafkaName,
    KubeconfigSetting,
    KubernetesVersion,
    Namespace,
    Platforms,
    Region,
    Registry,
    Repository,
    Reviewers,
    Secret,
    Severities,
    ValuesFile,
    Version,
    invalid,
    required_when,
)
from system.errors import UserError


@dataclass(frozen=True)
class Mistake:
    """A mistake in a setting."""

    clause: str
    """It follows the setting's name."""
    hint: str
    """The command that repairs the setting."""

    def __str__(self) -> str:
        return f"{self.clause}\n    {self.hint}"


class SettingsError(UserError):
    """Invalid settings: the message lists every mistake with its own hint below."""

    def __init__(self, mistakes: Mapping[str, Mistake]) -> None:
        self.mistakes = mistakes
        listed = "\n".join(f"  {key} {mistake}" for key, mistake in sorted(mistakes.items()))
        count = "1 setting is" if len(mistakes) == 1 else f"{len(mistakes)} settings are"
        super().__init__(f"{count} invalid, nothing was changed:\n{listed}")


def example(text: str, **default: object) -> Any:
    """Return a field with an example of its text, for the hint."""
    return Field(validate_default=True, examples=[text], **default)  # pyright: ignore[reportArgumentType,reportCallIssue]


def _has_no_cluster(settings: Mapping[str, Any]) -> bool:
    # An invalid setting is not among the settings.
    return settings.get("cluster_ocid") == "" and settings.get("compartment_ocid") == ""


def _is_in_oci(settings: Mapping[str, Any]) -> bool:
    return bool(settings.get("cluster_ocid") or settings.get("compartment_ocid"))


def _builds(settings: Mapping[str, Any]) -> bool:
    return settings.get("image_source") == "build"


def _names_images(settings: Mapping[str, Any]) -> bool:
    return settings.get("image_source") in ("registry", "pinned")


class Settings(BaseModel):
    """One stack's settings; Pulumi.yaml says what each is for, its format and its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, arbitrary_types_allowed=True)

    context: str = ""
    cluster_ocid: ClusterOcid = ""
    compartment_ocid: CompartmentOcid = ""
    kubeconfig: Annotated[KubeconfigSetting, required_when(_has_no_cluster)] = example("~/.kube/config", default=None)
    cluster_identifier: str = ""
    namespace: Namespace = example("default")
    protect: Boolean = example("true")

    region: Annotated[Region, required_when(_is_in_oci)] = example("eu-frankfurt-1", default="")
    cluster_name: ClusterName = example("todo-oke")
    kubernetes_version: KubernetesVersion = ""
    node_count: Annotated[int, Field(ge=1, le=10)] = example("2")
    node_ocpus: Annotated[int, Field(ge=1, le=80)] = example("1")
    node_memory_gb: Annotated[int, Field(ge=1, le=512)] = example("6")
    node_boot_volume_gb: Annotated[int, Field(ge=50, le=32768)] = example("50")
    api_allowed_cidrs: Cidrs = example("0.0.0.0/0")
    retain_on_delete: Boolean = example("false")

    ingress_controller: Boolean = example("true")
    ingress_chart: ChartSource = example("official")
    ingress_version: Version = example("41.6.0")
    lets_encrypt_email: Email = ""
    cert_manager_chart: ChartSource = example("official")
    cert_manager_version: Version = example("1.21.2")

    image_source: Literal["build", "registry", "pinned"] = example("pinned")
    image_registry: Annotated[Registry, required_when(_builds)] = example("ghcr.io/OWNER", default="")
    image_platforms: Platforms = example("linux/arm64")
    image_cache: Literal["registry", "gha", "off"] = example("registry")
    image_scan: Severities = ()
    sign_images: Boolean = example("false")
    frontend_image: Annotated[Image, required_when(_names_images)] = example(
        "ghcr.io/OWNER/todo-frontend:sha-1a2b3c4", default=""
    )
    backend_image: Annotated[Image, required_when(_names_images)] = example(
        "ghcr.io/OWNER/todo-backend:sha-1a2b3c4", default=""
    )
    registry_token: Secret = SecretStr("")
    registry_user: Annotated[str, required_when(lambda settings: settings.get("registry_token"))] = example(
        "OWNER", default=""
    )

    repository: Repository = ""
    reviewers: Reviewers = ()
    require_checks: Boolean = example("false")

    values_file: ValuesFile = example("infra/helm/todo-app/values-oke.yaml")
    release_timeout_seconds: Annotated[int, Field(ge=30, le=3600)] = example("300")
    verify_timeout_seconds: Annotated[int, Field(ge=10, le=3600)] = example("180")
    host: Annotated[HostName, required_when(lambda settings: settings.get("lets_encrypt_email"))] = example(
        "todo.example.com", default=""
    )

    cohere_api_key: Secret
    better_auth_secret: Annotated[Secret, Field(min_length=32)]
    database_url: DatabaseUrl
    kafka_username: Secret
    kafka_password: Secret

    dapr_chart: ChartSource = example("official")
    dapr_version: Version = example("1.15.4")
    dapr_namespace: Namespace = example("dapr-system")
    dapr_scheduler: Boolean = example("false")

    kafka_brokers: Brokers = example("broker-0.example.com:9092,broker-1.example.com:9092")
    kafka_sasl_mechanism: Literal["SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"] = example("SCRAM-SHA-256")
    kafka_tls: Boolean = example("true")
    kafka_topic: KafkaName = example("todo-events")
    kafka_consumer_group: KafkaName = example("todo-backend")

    tracing_endpoint: Endpoint = ""
    tracing_sampling_rate: Annotated[float, Field(ge=0, le=1)] = example("0.1")

    @field_validator("kubeconfig")
    @classmethod
    def _only_cluster(cls, kubeconfig: Kubeconfig | None, info: ValidationInfo) -> Kubeconfig | None:
        named = [to_camel(key) for key in ("cluster_ocid", "compartment_ocid") if info.data.get(key)]
        if kubeconfig is not None and named:
            raise invalid(f"names a cluster, and so does {named[0]}", "rm kubeconfig")
        return kubeconfig

    @field_validator("compartment_ocid")
    @classmethod
    def _either_cluster(cls, compartment_ocid: str, info: ValidationInfo) -> str:
        if info.data.get("cluster_ocid"):
            raise invalid("asks for a new cluster, and clusterOcid names one", "rm compartmentOcid")
        return compartment_ocid

    @field_validator("registry_user")
    @classmethod
    def _with_token(cls, registry_user: str, info: ValidationInfo) -> str:
        if registry_user and info.data.get("registry_token") == SecretStr(""):
            raise invalid("needs registryToken, which is not set", "set --secret registryToken")
        return registry_user

    @field_validator("dapr_namespace")
    @classmethod
    def _apart(cls, dapr_namespace: str, info: ValidationInfo) -> str:
        if dapr_namespace == info.data.get("namespace"):
            raise invalid("is the app's namespace too")
        return dapr_namespace

    @property
    def database_port(self) -> int:
        """The TCP port of PostgreSQL."""
        return urlsplit(self.database_url.get_secret_value()).port or 5432

    @property
    def kafka_ports(self) -> list[int]:
        """The TCP ports of the Kafka brokers, each once."""
        return sorted({_port(broker) for broker in self.kafka_brokers})

    @property
    def tracing_port(self) -> int:
        """The TCP port of the OpenTelemetry collector, or 0 where there is none."""
        return _port(self.tracing_endpoint) if self.tracing_endpoint else 0


# By the name of each setting as Pulumi.yaml and `pulumi config` spell it.
KEYS: Mapping[str, FieldInfo] = {str(field.alias): field for field in Settings.model_fields.values()}
SECRET_KEYS = frozenset(key for key, field in KEYS.items() if field.annotation is SecretStr)


def load_settings() -> Settings:
    """Return the settings of the stack that the program runs for. Raises SettingsError."""
    prefix = f"{pulumi.get_project()}:"
    # All keys at once, which the SDK does not offer: an unknown key is a mistake too.
    config = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    own = {key.removeprefix(prefix): str(value) for key, value in config.items() if key.startswith(prefix)}
    secret = frozenset(key for key in own if pulumi.runtime.is_config_secret(prefix + key))
    return parse(own, secret, pulumi.get_stack())


def parse(config: Mapping[str, str], secret_settings: Collection[str], stack: str) -> Settings:
    """Parse a stack's config, in which an empty value is an absent one.

    secret_settings: the keys that are encrypted.

    Raises SettingsError.
    """
    command = f"pulumi config --stack {stack}"
    mistakes = {
        key: Mistake("is stored in plain text, not encrypted", f"{command} {_repair(key)}")
        for key in SECRET_KEYS & config.keys() - frozenset(secret_settings)
        if config[key]
    }
    try:
        settings = Settings.model_validate(
            {key: value for key, value in config.items() if value},
            context={"secret_settings": frozenset(secret_settings)},
        )
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            key = _key(detail)
            clause = _clause(key, detail, is_secret=key in {*SECRET_KEYS, *secret_settings})
            repair = detail.get("ctx", {}).get("repair") or _repair(key)
            mistakes.setdefault(key, Mistake(clause, f"{command} {repair}"))
    else:
        if not mistakes:
            return settings
    raise SettingsError(mistakes)


def _port(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


def _key(detail: ErrorDetails) -> str:
    # pydantic names an invalid default by its field, everything else by the key.
    key = str(detail["loc"][0])
    field = None if detail["type"] == "extra_forbidden" else Settings.model_fields.get(key)
    return str(field.alias) if field else key


def _clause(key: str, detail: ErrorDetails, *, is_secret: bool) -> str:
    """Describe a mistake without the value of a secret: the engine does not mask a part of one."""
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            nearest = difflib.get_close_matches(key, KEYS, n=1)
            return f"is not a setting{f'; did you mean {nearest[0]}?' if nearest else ''}"
        case "invalid" | "missing":
            return context.get("clause", "is not set")
        case "too_short":
            return f"must have at least {context['min_length']} characters"
        case "unexpected" | "literal_error":
            expected = context["expected"]
        case _:
            limits = KEYS[key].metadata
            low, high = (getattr(limit, end) for end in ("ge", "le") for limit in limits if hasattr(limit, end))
            expected = f"a {'whole number' if KEYS[key].annotation is int else 'number'} between {low} and {high}"
    return f"must be {expected}" + ("" if is_secret else f", not {detail['input']!r}")


def _repair(key: str) -> str:
    """Return the arguments of `pulumi config` that repair a setting."""
    field = KEYS.get(key)
    if key in SECRET_KEYS:
        return f"set --secret {key}"  # prompts for the value
    return f"set {key} {field.examples[0]}" if field and field.examples else f"rm {key}"
