"""The formats of settings: each parses the text of one setting, or says in one clause what is wrong with it.

A clause follows the setting's name, as in "releaseTimeoutSeconds is not a whole number …", and never repeats a secret.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, cast
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
from settings.chart import CHART, misfits

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


def wrong(clause: str, mended_by: str = "") -> PydanticCustomError:
    """What is wrong with a setting, as a clause that follows its name.

    mended_by: the command that mends it, where setting this setting does not.
    """
    return PydanticCustomError("setting", "{clause}", {"clause": clause, "mended_by": mended_by})


def _kubeconfig(source: str, info: ValidationInfo) -> Kubeconfig:
    secret_settings = cast("frozenset[str]", (info.context or {})["secret_settings"])
    if not is_path(source) and "kubeconfig" not in secret_settings:
        raise wrong("holds credentials in plain text: encrypt it, or name a file")
    try:
        return read(source, cast("str", info.data.get("context", "")))
    except KubeconfigError as error:
        raise wrong(f"leads to no cluster: {error}") from None


def _image(reference: str) -> str:
    match = IMAGE.fullmatch(reference)
    if match is None:
        raise wrong(f"is not an image reference (registry/repository:tag or …@sha256:digest): {reference!r}")
    if not match["tag"] and not match["digest"]:
        raise wrong(f"names neither a tag nor a digest: {reference!r}")
    if match["tag"] == ":latest" and not match["digest"]:
        raise wrong("is tagged latest, which is another image after each build")
    return reference


def _is_endpoint(text: str) -> bool:
    host, _, port = text.rpartition(":")
    is_port = re.fullmatch(r"\d{1,5}", port, re.ASCII) and 0 < int(port) < 2**16
    return bool(is_port and re.fullmatch(DNS_NAME, host))


def _endpoint(text: str) -> str:
    if not _is_endpoint(text):
        raise wrong(f"is not host:port: {text!r}")
    return text


def _broker(text: str) -> str:
    if not _is_endpoint(text):
        raise wrong(f"has a broker that is not host:port: {text!r}")
    return text


def _cidr(text: str) -> str:
    try:
        return str(ipaddress.IPv4Network(text))
    except ValueError:
        raise wrong(f"is not an IPv4 block such as 203.0.113.0/24: {text!r}") from None


def _database_url(value: SecretStr) -> SecretStr:
    try:
        url = urlsplit(value.get_secret_value())
        complete = url.hostname and url.username and url.password and len(url.path) > 1 and url.port != 0
    except ValueError:
        complete = False
    else:
        complete = complete and url.scheme in ("postgresql", "postgres")
    if not complete:
        raise wrong("is not a PostgreSQL URL (postgresql://user:password@host/database)")
    return value


def _trimmed(value: SecretStr) -> SecretStr:
    text = value.get_secret_value()
    if text != text.strip() or not text.isprintable():
        raise wrong("has white space at an end or an unprintable character, as a bad copy has")
    return value


def _values_file(name: str) -> Path:
    path = Path(name)
    try:
        document: object = yaml.safe_load(path.read_text())
    except FileNotFoundError:
        raise wrong(f"names a file that does not exist: {name}") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        raise wrong(f"names a file that is not YAML: {name}{f', line {mark.line + 1}' if mark else ''}") from None
    if not isinstance(document, dict):
        raise wrong(f"names a file that is not a map of chart values: {name}")
    if found := misfits(CHART, cast("dict[str, object]", document)):
        raise wrong(f"names values that do not fit the chart: {name}: {'; '.join(found)}")
    return path


def _chart_source(chart: str) -> str:
    if chart != OFFICIAL_CHART and not (Path(chart) / "Chart.yaml").is_file():
        raise wrong(f"is neither {OFFICIAL_CHART!r} nor a folder with a Chart.yaml: {chart!r}")
    return chart


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise wrong(f"is neither true nor false: {text!r}")
    return text == "true"


def _share(text: str) -> float:
    if not re.fullmatch(r"0|0?\.\d{1,4}|1|1\.0{1,4}", text):
        raise wrong(f"is not a share from 0 to 1: {text!r}")
    return float(text)


def text(pattern: str, clause: str) -> Callable[[str], str]:
    """Checks that the whole of `pattern` matches a text; `clause` says what is wrong with any other."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise wrong(f"{clause}: {text!r}")
        return text

    return check


def matching(pattern: str, clause: str) -> AfterValidator:
    """Text that the whole of `pattern` matches; `clause` says what is wrong with any other."""
    return AfterValidator(text(pattern, clause))


def list_of(check: Callable[[str], str]) -> BeforeValidator:
    """Texts that are separated by commas, each of which `check` returns or finds wrong."""

    def parse(text: str) -> tuple[str, ...]:
        return tuple(check(part.strip()) for part in text.split(","))

    return BeforeValidator(parse)


def required_when(condition: Callable[[Mapping[str, Any]], object]) -> WrapValidator:
    """A setting that must be set where the settings before it, by field's name, meet a condition; else it may be empty.

    A setting that is itself wrong is not among them.
    """

    def check(value: object, parse: ValidatorFunctionWrapHandler, info: ValidationInfo) -> object:
        if value:
            return parse(value)
        if condition(info.data):
            raise PydanticCustomError("missing", "is not set")
        return value

    return WrapValidator(check)


def secret_of_length(low: int) -> AfterValidator:
    """A secret of at least `low` characters."""

    def check(value: SecretStr) -> SecretStr:
        if len(value.get_secret_value()) < low:
            raise wrong(f"has fewer than {low} characters, which can be guessed")
        return value

    return AfterValidator(check)


def whole_number(low: int, high: int, unit: str) -> BeforeValidator:
    """A whole number of `unit` from `low` to `high`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise wrong(f"is not a whole number of {unit} from {low} to {high}: {text!r}")
        return int(text)

    return BeforeValidator(parse)


def one_of(*choices: str) -> AfterValidator:
    """One of a few words."""
    return matching("|".join(map(re.escape, choices)), f"is none of {', '.join(choices)}")


Image = Annotated[str, AfterValidator(_image)]
KubeconfigSetting = Annotated[Kubeconfig | None, BeforeValidator(_kubeconfig)]
Brokers = Annotated[tuple[str, ...], list_of(_broker)]
Cidrs = Annotated[tuple[str, ...], list_of(_cidr)]
Secret = Annotated[SecretStr, AfterValidator(_trimmed)]
DatabaseUrl = Annotated[Secret, AfterValidator(_database_url)]
ValuesFile = Annotated[Path, BeforeValidator(_values_file)]
ChartSource = Annotated[str, AfterValidator(_chart_source)]
Truth = Annotated[bool, BeforeValidator(_truth)]
Share = Annotated[float, BeforeValidator(_share)]
Namespace = Annotated[str, matching(DNS_LABEL, "is not a namespace's name (lower-case letters, digits and dashes)")]
HostName = Annotated[str, matching(DNS_NAME, "is not a host name")]
# Of the 249 characters that Kafka allows, "-dead" takes five: https://kafka.apache.org/documentation/#basic_ops_add_topic
KafkaName = Annotated[
    str, matching(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,244}", "is not a Kafka name (letters, digits, . _ -)")
]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Version = Annotated[str, matching(r"\d+\.\d+\.\d+", "is not a version such as 1.15.4")]

# https://docs.oracle.com/en-us/iaas/Content/General/Concepts/identifiers.htm
ClusterOcid = Annotated[str, matching(r"ocid1\.cluster\.[\w.-]+", "is not a cluster's OCID")]
CompartmentOcid = Annotated[
    str, matching(r"ocid1\.(compartment|tenancy)\.[\w.-]+", "is not the OCID of a compartment or a tenancy")
]
Region = Annotated[str, matching(r"[a-z]+(-[a-z]+)+-\d+", "is not an OCI region such as eu-frankfurt-1")]
ClusterName = Annotated[
    str, matching(r"[A-Za-z][A-Za-z0-9-]{0,49}", "is not a cluster's name (50 letters, digits and dashes)")
]
KubernetesVersion = Annotated[str, matching(r"v\d+\.\d+\.\d+", "is not a version of Kubernetes such as v1.34.1")]

# https://docs.docker.com/reference/cli/docker/image/tag/
Registry = Annotated[
    str, matching(rf"{DNS_NAME}(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+", "is not a registry with a path, in lower case")
]
Platforms = Annotated[
    tuple[str, ...], list_of(text(r"linux/(amd64|arm64)", "has a platform other than linux/arm64 and linux/amd64"))
]
# https://trivy.dev/docs/latest/guide/references/configuration/cli/trivy_image/
Severities = Annotated[
    tuple[str, ...],
    list_of(text("UNKNOWN|LOW|MEDIUM|HIGH|CRITICAL", "has a severity other than LOW, MEDIUM, HIGH, CRITICAL, UNKNOWN")),
]
Repository = Annotated[str, matching(rf"{GITHUB_LOGIN}/[\w.-]{{1,100}}", "is not a GitHub repository as OWNER/NAME")]
Reviewers = Annotated[tuple[str, ...], list_of(text(GITHUB_LOGIN, "has what is not a GitHub login"))]
Email = Annotated[str, matching(r"[^@\s]+@[^@\s]+\.[^@\s.]+", "is not an e-mail address")]
