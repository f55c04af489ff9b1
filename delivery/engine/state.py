"""Where a stack's state is kept and what encrypts its secrets: all that is missing there, told before the engine runs.

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
# What the engine says to a passphrase that does not decrypt the stack's secrets.
INCORRECT_PASSPHRASE = "incorrect passphrase"  # noqa: S105 (a message)

_BACKEND = "PULUMI_BACKEND_URL"
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
_CHECKSUMS = "AWS_REQUEST_CHECKSUM_CALCULATION"
_PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 (the name of a variable)
_PUBLIC = "local"  # the passphrase of the stack `local`
_PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 (the name of a variable)

# The engine passes the first straight to the SDK of its cloud, which knows where its credentials are.
_OTHER_KINDS = ("azblob", "gs", "postgres", "file")
_ORACLE = re.compile(r"(.+\.)?(oraclecloud|oci\.customer-oci)\.com")
# The second is the tenancy's own domain, of which only the commercial realm has one.
_S3_API = re.compile(r"[^.]+\.compat\.objectstorage\.(?P<region>[^.]+)\.(oraclecloud|oci\.customer-oci)\.com")


def object_storage_url(namespace: str, region: str, bucket: str) -> str:
    """The backend URL of a bucket of OCI Object Storage, with the parameters without which OCI refuses the engine.

    namespace: of the tenancy, as `oci os ns get` or the bucket's page shows it; region: like eu-frankfurt-1.

    Raises UserError.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", namespace):
        raise UserError(f"{namespace!r} is no Object Storage namespace.\n    oci os ns get   tells the tenancy's")
    require_region(region)
    if not re.fullmatch(r"[\w.-]{1,256}", bucket, re.ASCII):
        raise UserError(
            f"{bucket!r} is no bucket's name.\n    todo-state   for instance: letters, digits, dots, dashes, underlines"
        )
    return _url(bucket, f"https://{namespace}.compat.objectstorage.{region}.oraclecloud.com", region)


def check(environment: Mapping[str, str], stack_file: Path) -> list[str]:
    """What keeps the engine from the state or the secrets of a stack: of each a sentence, and below it what mends it.

    stack_file: Pulumi.STACK.yaml, which need not exist yet. Nothing is tried: `pulumi stack ls`
    and `pulumi config --show-secrets` do that.
    """
    return [*backend_problems(environment), *secrets_problems(environment, stack_file)]


def _url(bucket: str, endpoint: str, region: str) -> str:
    return f"s3://{bucket}?endpoint={endpoint}&region={region}&s3ForcePathStyle=true"


def demonstration_problems(environment: Mapping[str, str]) -> list[str]:
    """What a shell has from a try of the stack `local`, and no other stack may have: told as by `check`."""
    url, folder = urlsplit(environment.get(_BACKEND, "")), Path(".local").absolute()
    problems: list[str] = []
    if url.scheme == "file" and Path(url.path).is_relative_to(folder):
        problems.append(f"{_BACKEND} is in {folder}, which `make down` deletes.\n    unset {_BACKEND}")
    if environment.get(_PASSPHRASE) == _PUBLIC:
        problems.append(f"{_PASSPHRASE} is the stack local's, which everybody knows.\n    unset {_PASSPHRASE}")
    return problems


def backend_problems(environment: Mapping[str, str]) -> list[str]:
    """The first half of `check`: the backend's address and its credentials."""
    url = urlsplit(environment.get(_BACKEND, ""))
    match url.scheme:
        case "https":
            return _cloud_problems(environment)
        case "s3":
            parameters = dict(parse_qsl(url.query))
            return [*_address_problems(environment, url, parameters), *_key_problems(environment, parameters)]
        case kind if kind in _OTHER_KINDS:
            return []
        case _:
            # The URL is not quoted: it may hold a password.
            what = "is of no kind that the engine knows" if environment.get(_BACKEND) else "is not set"
            return [
                f"{_BACKEND}, where the state is kept, {what}.\n"
                f"    export {_BACKEND}={PULUMI_CLOUD}   or a bucket's: s3://…, azblob://…, gs://…; or file://…"
            ]


def _cloud_problems(environment: Mapping[str, str]) -> list[str]:
    home = environment.get("PULUMI_HOME") or Path(environment.get("HOME", "~")).expanduser() / ".pulumi"
    if environment.get("PULUMI_ACCESS_TOKEN") or Path(home, "credentials.json").exists():
        return []
    return [
        "There is no access token for Pulumi Cloud.\n"
        "    pulumi login   or PULUMI_ACCESS_TOKEN of https://app.pulumi.com/account/tokens, where nobody can be asked"
    ]


def _address_problems(environment: Mapping[str, str], url: SplitResult, parameters: Mapping[str, str]) -> list[str]:
    endpoint = parameters.get("endpoint", "")
    endpoint = endpoint if "://" in endpoint else f"https://{endpoint}"
    host = urlsplit(endpoint).hostname or ""
    if not _ORACLE.fullmatch(host):
        return []
    address = _S3_API.fullmatch(host)
    if not address:
        return [
            f"{host} is not the address of OCI's S3 API.\n    export {_BACKEND}="
            f"'{_url(url.netloc, 'https://NAMESPACE.compat.objectstorage.REGION.oraclecloud.com', 'REGION')}'"
        ]
    problems: list[str] = []
    styles = [parameters.get(name) for name in ("s3ForcePathStyle", "use_path_style")]
    if "true" not in styles or parameters.get("region") != address["region"]:
        problems.append(
            f"{_BACKEND} lacks what OCI needs: its region, and the bucket in the path of each address.\n"
            f"    export {_BACKEND}='{_url(url.netloc + url.path, endpoint, address['region'])}'   in quotes, for the &"
        )
    asked = parameters.get("request_checksum_calculation") or environment.get(_CHECKSUMS, "")
    if asked.lower() == "when_supported":
        problems.append(
            "OCI refuses uploads with the checksums of request_checksum_calculation=when_supported.\n"
            f"    unset {_CHECKSUMS}   and leave it out of {_BACKEND}"
        )
    return problems


def _key_problems(environment: Mapping[str, str], parameters: Mapping[str, str]) -> list[str]:
    lacking = [name for name in _KEYS if not environment.get(name)]
    file = environment.get("AWS_SHARED_CREDENTIALS_FILE") or f"{environment.get('HOME', '~')}/.aws/credentials"
    elsewhere = (
        parameters.get("profile")
        or environment.get("AWS_PROFILE")
        or Path(file).expanduser().exists()
        or "endpoint" not in parameters  # AWS itself has roles, and its SDK more places to look than these
    )
    if not lacking or (elsewhere and len(lacking) == len(_KEYS)):
        return []
    commands = " && ".join(f"read -rs {name} && export {name}" for name in lacking)
    return [
        f"There is no {' and no '.join(lacking)} for the bucket of the state.\n"
        f"    {commands}   a Customer Secret Key, in OCI"
    ]


def secrets_problems(environment: Mapping[str, str], stack_file: Path) -> list[str]:
    """The second half of `check`: whether there is what encrypts the secrets, not whether it is right."""
    try:
        settings = yaml.safe_load(stack_file.read_text(encoding="utf-8")) if stack_file.exists() else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        settings = None
    if not isinstance(settings, dict):
        return [
            f"{stack_file} is no file of a stack's settings.\n    git checkout {stack_file}   for the last good one"
        ]
    settings = cast("dict[str, Any]", settings)
    provider = settings.get("secretsprovider") or "default"
    salt = settings.get("encryptionsalt")
    is_cloud = environment.get(_BACKEND, "").startswith("https:")
    if provider not in ("default", "passphrase") or (is_cloud and not salt and provider == "default"):
        return []
    try:
        _require_passphrase(environment)
    except UserError as error:
        return [str(error)]
    return []


def _require_passphrase(environment: Mapping[str, str]) -> None:
    """Find a passphrase as the engine does: an empty variable hides the file. Raises UserError."""
    mended = f"read -rs {_PASSPHRASE} && export {_PASSPHRASE}"
    file = environment.get(_PASSPHRASE_FILE)
    if file and _PASSPHRASE not in environment:
        try:
            passphrase = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise UserError(f"{_PASSPHRASE_FILE}, {file}, cannot be read.\n    {mended}   or mend the file") from None
    else:
        passphrase = environment.get(_PASSPHRASE, "")
    if not passphrase:
        raise UserError(
            "There is no passphrase for the secrets of the stack, or it is empty.\n"
            f"    {mended}   or `pulumi stack change-secrets-provider`, to need none"
        )
