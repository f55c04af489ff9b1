"""The settings of a stack: every key that Pulumi.yaml declares, typed, all of them checked before any resource.

Nothing else in the program reads `pulumi.Config`.
"""

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Annotated, Any, cast
from urllib.parse import urlsplit

import pulumi
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from kube.kubeconfig import Kubeconfig
from settings.types import (
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
    Share,
    Truth,
    ValuesFile,
    Version,
    one_of,
    required_when,
    secret_of_length,
    whole_number,
    wrong,
)
from system.errors import UserError


class SettingsError(UserError):
    """Settings that cannot be used: the message names every mistake and, below each, the command that mends it.

    mistakes: the same by setting, each as a clause that follows its name, and the command below it.
    """

    def __init__(self, mistakes: Mapping[str, str]) -> None:
        self.mistakes = mistakes
        listed = "\n".join(f"  {key} {mistakes[key]}" for key in sorted(mistakes))
        count = "1 setting" if len(mistakes) == 1 else f"{len(mistakes)} settings"
        super().__init__(f"{count} to mend, nothing was changed:\n{listed}")


def _mended_by(example: str) -> Any:
    """The field's example: what the user may type after `pulumi config set KEY`."""
    return Field(examples=[example])


def _empty(example: str, value: object = "") -> Any:
    """A field that may be empty, by a condition of its own; else as `_mended_by`."""
    return Field(default=value, validate_default=True, examples=[example])


def _no_cluster(settings: Mapping[str, Any]) -> bool:
    # One that is set and wrong is not among the settings.
    return settings.get("cluster_ocid") == "" and settings.get("compartment_ocid") == ""


def _in_oci(settings: Mapping[str, Any]) -> bool:
    return bool(settings.get("cluster_ocid") or settings.get("compartment_ocid"))


def _is_built(settings: Mapping[str, Any]) -> bool:
    return settings.get("image_source") == "build"


def _is_named(settings: Mapping[str, Any]) -> bool:
    return settings.get("image_source") in ("registry", "pinned")


class Settings(BaseModel):
    """One stack's settings; Pulumi.yaml says what each is for, its format and its default."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, arbitrary_types_allowed=True)

    context: str = ""
    cluster_ocid: ClusterOcid = ""
    compartment_ocid: CompartmentOcid = ""
    kubeconfig: Annotated[KubeconfigSetting, required_when(_no_cluster)] = _empty("~/.kube/config", None)
    cluster_identifier: str = ""
    namespace: Namespace = _mended_by("default")
    protect: Truth = _mended_by("true")

    region: Annotated[Region, required_when(_in_oci)] = _empty("eu-frankfurt-1")
    cluster_name: ClusterName = _mended_by("todo-oke")
    kubernetes_version: KubernetesVersion = ""
    node_count: Annotated[int, whole_number(1, 10, "nodes")] = _mended_by("2")
    node_ocpus: Annotated[int, whole_number(1, 80, "OCPUs")] = _mended_by("1")
    node_memory_gb: Annotated[int, whole_number(1, 512, "GB")] = _mended_by("6")
    node_boot_volume_gb: Annotated[int, whole_number(50, 32768, "GB")] = _mended_by("50")
    api_allowed_cidrs: Cidrs = _mended_by("0.0.0.0/0")
    retain_on_delete: Truth = _mended_by("false")

    ingress_controller: Truth = _mended_by("true")
    ingress_chart: ChartSource = _mended_by("official")
    ingress_version: Version = _mended_by("41.6.0")
    lets_encrypt_email: Email = ""
    cert_manager_chart: ChartSource = _mended_by("official")
    cert_manager_version: Version = _mended_by("1.21.2")

    image_source: Annotated[str, one_of("build", "registry", "pinned")] = _mended_by("pinned")
    image_registry: Annotated[Registry, required_when(_is_built)] = _empty("ghcr.io/OWNER")
    image_platforms: Platforms = _mended_by("linux/arm64")
    image_cache: Annotated[str, one_of("registry", "gha", "off")] = _mended_by("registry")
    image_scan: Severities = ()
    sign_images: Truth = _mended_by("false")
    frontend_image: Annotated[Image, required_when(_is_named)] = _empty("ghcr.io/OWNER/todo-frontend:sha-1a2b3c4")
    backend_image: Annotated[Image, required_when(_is_named)] = _empty("ghcr.io/OWNER/todo-backend:sha-1a2b3c4")
    registry_token: Secret = SecretStr("")
    registry_user: Annotated[str, required_when(lambda settings: settings.get("registry_token"))] = _empty("OWNER")

    repository: Repository = ""
    reviewers: Reviewers = ()
    require_checks: Truth = _mended_by("false")

    values_file: ValuesFile = _mended_by("infra/helm/todo-app/values-oke.yaml")
    release_timeout_seconds: Annotated[int, whole_number(30, 3600, "seconds")] = _mended_by("300")
    verify_timeout_seconds: Annotated[int, whole_number(10, 3600, "seconds")] = _mended_by("180")
    host: Annotated[HostName, required_when(lambda settings: settings.get("lets_encrypt_email"))] = _empty(
        "todo.example.com"
    )

    cohere_api_key: Secret
    better_auth_secret: Annotated[Secret, secret_of_length(32)]
    database_url: DatabaseUrl
    kafka_username: Secret
    kafka_password: Secret

    dapr_chart: ChartSource = _mended_by("official")
    dapr_version: Version = _mended_by("1.15.4")
    dapr_namespace: Namespace = _mended_by("dapr-system")
    dapr_scheduler: Truth = _mended_by("false")

    kafka_brokers: Brokers = _mended_by("broker-0.example.com:9092,broker-1.example.com:9092")
    kafka_sasl_mechanism: Annotated[str, one_of("SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN")] = _mended_by(
        "SCRAM-SHA-256"
    )
    kafka_tls: Truth = _mended_by("true")
    kafka_topic: KafkaName = _mended_by("todo-events")
    kafka_consumer_group: KafkaName = _mended_by("todo-backend")

    tracing_endpoint: Endpoint = ""
    tracing_sampling_rate: Share = _mended_by("0.1")

    @field_validator("kubeconfig")
    @classmethod
    def _only_cluster(cls, kubeconfig: Kubeconfig | None, info: ValidationInfo) -> Kubeconfig | None:
        named = [to_camel(key) for key in ("cluster_ocid", "compartment_ocid") if info.data.get(key)]
        if kubeconfig is not None and named:
            raise wrong(f"names a cluster, and so does {named[0]}", "pulumi config rm kubeconfig")
        return kubeconfig

    @field_validator("compartment_ocid")
    @classmethod
    def _either_cluster(cls, compartment_ocid: str, info: ValidationInfo) -> str:
        if info.data.get("cluster_ocid"):
            raise wrong("asks for a cluster, and clusterOcid names one", "pulumi config rm compartmentOcid")
        return compartment_ocid

    @field_validator("registry_user")
    @classmethod
    def _with_token(cls, registry_user: str, info: ValidationInfo) -> str:
        if registry_user and info.data.get("registry_token") == SecretStr(""):
            raise wrong("pulls with a token, which is not set", "pulumi config set --secret registryToken")
        return registry_user

    @field_validator("dapr_namespace")
    @classmethod
    def _apart(cls, dapr_namespace: str, info: ValidationInfo) -> str:
        if dapr_namespace == info.data.get("namespace"):
            raise wrong(f"is the app's namespace too: {dapr_namespace!r}")
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


# The names of the settings as Pulumi.yaml and `pulumi config` spell them.
KEYS = {str(field.alias): field for field in Settings.model_fields.values()}
SECRET_KEYS = frozenset(key for key, field in KEYS.items() if field.annotation is SecretStr)


def load() -> Settings:
    """The settings of the stack that the program runs for.

    Raises SettingsError.
    """
    prefix = f"{pulumi.get_project()}:"
    # The SDK looks one key up at a time, and a key that nobody looks up is the mistake to find.
    config = {**pulumi.runtime.config.get_config_env(), **pulumi.runtime.config.CONFIG.get()}
    own = {key.removeprefix(prefix): str(value) for key, value in config.items() if key.startswith(prefix)}
    secret = frozenset(key for key in own if pulumi.runtime.is_config_secret(prefix + key))
    try:
        return parse(own, secret)
    except SettingsError as error:
        named = {key: commands_for(pulumi.get_stack(), mistake) for key, mistake in error.mistakes.items()}
        raise SettingsError(named) from None


def commands_for(stack: str, message: str) -> str:
    """A message whose commands name the stack that they are for: another one may be selected."""
    return re.sub(r"pulumi config (set|rm)\b", rf"pulumi config --stack {stack} \1", message)


def parse(config: Mapping[str, str], secret_settings: Collection[str]) -> Settings:
    """Parses a stack's config: the value of each key, and which of them are encrypted. An empty value is an absent one.

    Raises SettingsError.
    """
    mistakes = {
        key: f"is stored in plain text, not encrypted\n    {_mending_command(key)}"
        for key in SECRET_KEYS & config.keys() - frozenset(secret_settings)
        if config[key]
    }
    try:
        settings = Settings.model_validate(
            {key: value for key, value in config.items() if value},
            context={"secret_settings": frozenset(secret_settings)},
        )
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            key = _key(detail)
            clause = _without_value(detail["msg"]) if key in secret_settings else detail["msg"]
            mended_by = detail.get("ctx", {}).get("mended_by", "")
            mistakes.setdefault(key, _mistake(key, detail["type"], clause, mended_by))
    else:
        if not mistakes:
            return settings
    raise SettingsError(mistakes)


def _port(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


def _key(detail: ErrorDetails) -> str:
    # A default that is wrong is told by its field's name, everything else by the key.
    key = str(detail["loc"][0])
    field = None if detail["type"] == "extra_forbidden" else Settings.model_fields.get(key)
    return str(field.alias) if field else key


def _mistake(key: str, kind: str, clause: str, mended_by: str) -> str:
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(key, KEYS, n=1)
        hint = f"; the nearest is {near[0]}" if near else ""
        return f"is no setting of this project{hint}\n    pulumi config rm {key}"
    if kind == "missing":
        return f"is not set\n    {_mending_command(key)}"
    return f"{clause}\n    {mended_by or _mending_command(key)}"


def _without_value(clause: str) -> str:
    # The engine masks an encrypted value in what it prints, but not a part of one.
    return re.sub(r": (['\"]).*\1$", "", clause)


def _mending_command(key: str) -> str:
    if key in SECRET_KEYS:
        return f"pulumi config set --secret {key}"  # asks for the value unseen
    examples = cast("list[str] | None", KEYS[key].examples)
    return f"pulumi config set {key} {examples[0]}" if examples else f"pulumi config rm {key}"
