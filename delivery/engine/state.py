"""The backend of a stack's state and the encryption of its secrets: what lacks there, before the engine runs.

Sources: https://www.pulumi.com/docs/iac/concepts/state-and-backends/,
https://docs.oracle.com/en-us/iaas/Content/Object/s3-virtual-style.htm (OCI's addresses),
https://github.com/pulumi/pulumi/blob/v3.259.0/pkg/secrets/passphrase/manager.go (the passphrase)
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import SplitResult, parse_qsl, urlsplit

import yaml

from oke.names import require_region
from system.errors import UserError

PULUMI_CLOUD = "https://api.pulumi.com"
# The engine's error for a passphrase that does not decrypt the stack's secrets.
INCORRECT_PASSPHRASE = "incorrect passphrase"  # noqa: S105 (a message)

_BACKEND = "PULUMI_BACKEND_URL"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_CHECKSUMS = "AWS_REQUEST_CHECKSUM_CALCULATION"
_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 (the name of a variable)
_PUBLIC = "local"  # the passphrase of the stack `local`
_PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 (the name of a variable)

# The SDKs of these clouds find their own credentials.
_OTHER_SCHEMES = ("azblob", "gs", "postgres", "file")
_ORACLE = re.compile(r"(.+\.)?(oraclecloud|oci\.customer-oci)\.com")
# The second is the tenancy's own domain, which only the commercial realm has.
_S3_API = re.compile(r"[^.]+\.compat\.objectstorage\.(?P<region>[^.]+)\.(oraclecloud|oci\.customer-oci)\.com")


def object_storage_url(namespace: str, region: str, bucket: str) -> str:
    """Return the backend URL of a bucket of OCI Object Storage, with the parameters that OCI requires.

    namespace: the tenancy's, which `oci os ns get` and the bucket's page show. region: like eu-frankfurt-1.

    Raises UserError.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", namespace):
        raise UserError(f"{namespace!r} is not an Object Storage namespace.", "oci os ns get")
    require_region(region)
    if not re.fullmatch(r"[\w.-]{1,256}", bucket, re.ASCII):
        raise UserError(f"{bucket!r} is not a bucket name, which has only letters, digits, dots, dashes, underscores.")
    return _url(bucket, f"https://{namespace}.compat.objectstorage.{region}.oraclecloud.com", region)


def local_stack_problems(environment: Mapping[str, str]) -> list[UserError]:
    """Return the variables of the throw-away stack `local`, which no other stack may use."""
    url, folder = urlsplit(environment.get(_BACKEND, "")), Path(".local").absolute()
    problems: list[UserError] = []
    if url.scheme == "file" and Path(url.path).is_relative_to(folder):
        problems.append(UserError(f"{_BACKEND} is in {folder}, which `make down` deletes.", f"unset {_BACKEND}"))
    if environment.get(_PASSPHRASE) == _PUBLIC:
        problems.append(UserError(f"{_PASSPHRASE} is public: the stack local has it.", f"unset {_PASSPHRASE}"))
    return problems


def backend_problems(environment: Mapping[str, str]) -> list[UserError]:
    """Return the problems of the backend's URL and credentials, without a request to the backend."""
    url = urlsplit(environment.get(_BACKEND, ""))
    match url.scheme:
        case "https":
            return _cloud_problems(environment)
        case "s3":
            parameters = dict(parse_qsl(url.query))
            return [*_address_problems(environment, url, parameters), *_key_problems(environment, parameters)]
        case scheme if scheme in _OTHER_SCHEMES:
            return []
        case _:
            # The URL may hold a password.
            problem = "has a scheme that the engine does not know" if environment.get(_BACKEND) else "is not set"
            return [UserError(f"{_BACKEND} (the place of the state) {problem}.", f"export {_BACKEND}={PULUMI_CLOUD}")]


def secrets_problems(environment: Mapping[str, str], stack_file: Path) -> list[UserError]:
    """Return the problems of the secrets' encryption. Only the engine can tell whether a passphrase is correct.

    stack_file: Pulumi.STACK.yaml, which may not exist yet.
    """
    try:
        settings = yaml.safe_load(stack_file.read_text(encoding="utf-8")) if stack_file.exists() else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        settings = None
    if not isinstance(settings, dict):
        return [UserError(f"{stack_file} holds no settings of a stack.", f"git diff {stack_file}")]
    settings = cast("dict[str, Any]", settings)
    provider = settings.get("secretsprovider") or "default"
    is_cloud = environment.get(_BACKEND, "").startswith("https:")
    if provider not in ("default", "passphrase") or (
        is_cloud and not settings.get("encryptionsalt") and provider == "default"
    ):
        return []
    problem = _passphrase_problem(environment)
    return [UserError(problem, f"read -rs {_PASSPHRASE} && export {_PASSPHRASE}")] if problem else []


def _url(bucket: str, endpoint: str, region: str) -> str:
    return f"s3://{bucket}?endpoint={endpoint}&region={region}&s3ForcePathStyle=true"


def _cloud_problems(environment: Mapping[str, str]) -> list[UserError]:
    home = environment.get("PULUMI_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".pulumi"
    if environment.get("PULUMI_ACCESS_TOKEN") or Path(home, "credentials.json").exists():
        return []
    return [UserError("PULUMI_ACCESS_TOKEN is not set, and Pulumi Cloud needs an access token.", "pulumi login")]


def _address_problems(
    environment: Mapping[str, str], url: SplitResult, parameters: Mapping[str, str]
) -> list[UserError]:
    endpoint = parameters.get("endpoint", "")
    endpoint = endpoint if "://" in endpoint else f"https://{endpoint}"
    host = urlsplit(endpoint).hostname or ""
    if not _ORACLE.fullmatch(host):
        return []
    address = _S3_API.fullmatch(host)
    if not address:
        corrected = _url(url.netloc, "https://NAMESPACE.compat.objectstorage.REGION.oraclecloud.com", "REGION")
        return [UserError(f"{host} is not an address of OCI's S3 API.", f"export {_BACKEND}='{corrected}'")]
    corrected = _url(url.netloc + url.path, endpoint, address["region"])
    problems: list[UserError] = []
    styles = [parameters.get(name) for name in ("s3ForcePathStyle", "use_path_style")]
    if "true" not in styles or parameters.get("region") != address["region"]:
        problems.append(
            UserError(
                f"{_BACKEND} lacks the region or s3ForcePathStyle=true, which OCI requires.",
                f"export {_BACKEND}='{corrected}'",
            )
        )
    in_url = parameters.get("request_checksum_calculation")  # it precedes the variable
    if (in_url or environment.get(_CHECKSUMS, "")).lower() == "when_supported":
        asked_by, hint = (
            (_BACKEND, f"export {_BACKEND}='{corrected}'") if in_url else (_CHECKSUMS, f"unset {_CHECKSUMS}")
        )
        problems.append(UserError(f"OCI rejects the checksums that {asked_by} requests (when_supported).", hint))
    return problems


def _key_problems(environment: Mapping[str, str], parameters: Mapping[str, str]) -> list[UserError]:
    missing = [name for name in _KEYS if not environment.get(name)]
    file = environment.get("AWS_SHARED_CREDENTIALS_FILE") or f"{environment.get('HOME', '~')}/.aws/credentials"
    has_other_source = (
        parameters.get("profile")
        or environment.get("AWS_PROFILE")
        or Path(file).expanduser().exists()
        or "endpoint" not in parameters  # AWS has roles, and its SDK more sources than these
    )
    if not missing or (has_other_source and len(missing) == len(_KEYS)):
        return []
    return [
        UserError(
            f"The bucket of the state needs {' and '.join(missing)} (in OCI, a Customer Secret Key).",
            " && ".join(f"read -rs {name} && export {name}" for name in missing),
        )
    ]


def _passphrase_problem(environment: Mapping[str, str]) -> str | None:
    # As the engine does it: an empty variable hides the file.
    passphrase, file = environment.get(_PASSPHRASE), environment.get(_PASSPHRASE_FILE)
    if passphrase is None and file:
        try:
            passphrase = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            return f"{_PASSPHRASE_FILE} ({file}) cannot be read."
    return None if passphrase else "The passphrase of the stack's secrets is not set, or empty."
