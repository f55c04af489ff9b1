"""The types of settings: each parses the text of one setting.

An invalid text raises an error with a clause that follows the setting's name. Except for a file's name, the clause does
not repeat the text: `settings.model` adds that, unless it is a secret.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    SecretStr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from kube.kubeconfig import Kubeconfig, KubeconfigError, is_path
from oke.exec_plugin import read
from oke.names import CLUSTER_OCID, COMPARTMENT_OCID, REGION
from settings.chart import CHART, schema_errors

OFFICIAL_CHART = "official"

# https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
DNS_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
DNS_NAME = rf"(?=.{{1,253}}$){DNS_LABEL}(\.{DNS_LABEL})*"

# https://docs.github.com/en/enterprise-cloud@latest/admin/managing-iam/iam-configuration-reference/username-considerations-for-external-authentication
GITHUB_LOGIN = r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}"

# https://github.com/distribution/reference/blob/main/regexp.go
IMAGE = re.compile(
    r"[a-z0-9][a-z0-9.-]*(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+"
    r"(?P<tag>:\w[\w.-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?",
    re.ASCII,
)


def invalid(clause: str, repair: str | None = None) -> PydanticCustomError:
    """Return the error of a setting; repair: the arguments of `pulumi config`, where setting it does not repair it."""
    return PydanticCustomError("invalid", "{clause}", {"clause": clause, "repair": repair})


def unexpected(expected: str) -> PydanticCustomError:
    """Return the error of a setting that must be something else, with the context of pydantic's `literal_error`."""
    return PydanticCustomError("unexpected", "must be {expected}", {"expected": expected})


def required_when(condition: Callable[[Mapping[str, Any]], object]) -> WrapValidator:
    """Require a setting where the settings before it, by field's name, meet a condition; else it may be empty.

    A setting that is itself wrong is not among them.
    """

    def check(value: object, parse: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
        if value:
            return parse(value)
        if condition(info.data):
            raise PydanticCustomError("missing", "is not set")
        return value

    return WrapValidator(check)


def _matching(pattern: str, expected: str) -> AfterValidator:
    """Require that a pattern matches the whole text."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise unexpected(expected)
        return text

    return AfterValidator(check)


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):  # as the workflows compare them
        raise unexpected("true or false")
    return text == "true"


def _kubeconfig(source: str, info: ValidationInfo) -> Kubeconfig:
    secret_settings = cast("frozenset[str]", (info.context or {})["secret_settings"])
    if not is_path(source) and "kubeconfig" not in secret_settings:
        raise invalid("holds credentials in plain text: encrypt it, or name a file")
    try:
        return read(source, info.data.get("context"))
    except KubeconfigError as error:
        raise invalid(f"leads to no cluster: {error}") from None


def _image(reference: str) -> str:
    match = IMAGE.fullmatch(reference)
    if match is None or not (match["tag"] or match["digest"]):
        raise unexpected("an image with a tag or a digest, like ghcr.io/OWNER/NAME:TAG")
    if match["tag"] == ":latest" and not match["digest"]:
        raise invalid("is tagged latest, which is another image after each build")
    return reference


def _endpoint(text: str) -> str:
    host, _, port = text.rpartition(":")
    is_port = re.fullmatch(r"\d{1,5}", port, re.ASCII) and 0 < int(port) < 2**16
    if not is_port or not re.fullmatch(DNS_NAME, host):
        raise unexpected("host:port")
    return text


def _cidr(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError:
        raise unexpected("an IPv4 block like 203.0.113.0/24") from None


def _database_url(value: SecretStr) -> SecretStr:
    try:
        url = urlsplit(value.get_secret_value())
        complete = url.hostname and url.username and url.password and len(url.path) > 1 and url.port != 0
    except ValueError:
        complete = False
    else:
        complete = complete and url.scheme in ("postgresql", "postgres")
    if not complete:
        raise invalid("must be a PostgreSQL URL, postgresql://user:password@host/database")
    return value


def _trimmed(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text != text.strip() or not text.isprintable():
        raise invalid("begins or ends with white space, or has an unprintable character")
    return value


def _values_file(name: str) -> Path:
    path = Path(name)
    try:
        document: object = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise invalid(f"names a file that does not exist: {name}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        raise invalid(f"names a file that is not YAML: {name}{f', line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(document, dict):
        raise invalid(f"names a file that is not a map of chart values: {name}")
    if errors := schema_errors(CHART, cast("dict[str, object]", document)):
        raise invalid(f"names values that the chart's schema rejects: {name}: {'; '.join(errors)}")
    return path


def _chart_source(chart: str) -> str:
    if chart != OFFICIAL_CHART and not (Path(chart) / "Chart.yaml").is_file():
        raise unexpected(f"{OFFICIAL_CHART} or a folder with a Chart.yaml")
    return chart


Boolean = Annotated[bool, BeforeValidator(_boolean)]
KubeconfigSetting = Annotated[Kubeconfig | None, BeforeValidator(_kubeconfig)]
Secret = Annotated[SecretStr, AfterValidator(_trimmed)]
DatabaseUrl = Annotated[Secret, AfterValidator(_database_url)]
ValuesFile = Annotated[Path, BeforeValidator(_values_file)]
ChartSource = Annotated[str, AfterValidator(_chart_source)]
Version = Annotated[str, _matching(r"\d+\.\d+\.\d+", "a version like 1.15.4")]
Namespace = Annotated[str, _matching(DNS_LABEL, "the name of a namespace (lower-case letters, digits, dashes)")]
HostName = Annotated[str, _matching(DNS_NAME, "a host name")]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Brokers = Annotated[tuple[Endpoint, ...], BeforeValidator(_split)]
# Of the 249 characters that Kafka allows, "-dead" takes five: https://kafka.apache.org/documentation/#basic_ops_add_topic
KafkaName = Annotated[str, _matching(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,244}", "a Kafka name (letters, digits, . _ -)")]
Email = Annotated[str, _matching(r"[^@\s]+@[^@\s]+\.[^@\s.]+", "an e-mail address")]

ClusterOcid = Annotated[str, _matching(CLUSTER_OCID, "the OCID of a cluster")]
CompartmentOcid = Annotated[str, _matching(COMPARTMENT_OCID, "the OCID of a compartment or a tenancy")]
Region = Annotated[str, _matching(REGION, "an OCI region like eu-frankfurt-1")]
ClusterName = Annotated[
    str, _matching(r"[A-Za-z][A-Za-z0-9-]{0,49}", "the name of a cluster (50 letters, digits, dashes)")
]
KubernetesVersion = Annotated[str, _matching(r"v\d+\.\d+\.\d+", "a version of Kubernetes like v1.34.1")]
Cidrs = Annotated[tuple[Annotated[str, AfterValidator(_cidr)], ...], BeforeValidator(_split)]

Image = Annotated[str, AfterValidator(_image)]
# https://docs.docker.com/reference/cli/docker/image/tag/
Registry = Annotated[
    str, _matching(rf"{DNS_NAME}(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+", "a registry with a path, in lower case")
]
Platforms = Annotated[tuple[Literal["linux/arm64", "linux/amd64"], ...], BeforeValidator(_split)]
# https://trivy.dev/docs/latest/guide/references/configuration/cli/trivy_image/
Severities = Annotated[tuple[Literal["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"], ...], BeforeValidator(_split)]

Repository = Annotated[str, _matching(rf"{GITHUB_LOGIN}/[\w.-]{{1,100}}", "a GitHub repository as OWNER/NAME")]
Reviewers = Annotated[tuple[Annotated[str, _matching(GITHUB_LOGIN, "a GitHub login")], ...], BeforeValidator(_split)]
