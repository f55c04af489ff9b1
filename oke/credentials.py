"""Whoever signs for Oracle Cloud Infrastructure: from ~/.oci/config, and from the environment where that says more.

Oracle's own SDK does this too, but takes 500 MB of disk, and 0.3 s to import at each kubectl call.
Sources: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm (the file),
https://docs.oracle.com/en-us/iaas/Content/API/SDKDocs/clienvironmentvariables.htm (the variables).
"""

import configparser
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from system.errors import UserError

# What each way to authenticate needs, beside the private key.
METHODS: Mapping[str, tuple[str, ...]] = {
    "api_key": ("user", "tenancy", "fingerprint", "region"),
    "security_token": ("security_token_file", "region"),
}

_GUIDE = "https://docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm"

# Of each entry of the file: the variable that takes its place.
_VARIABLES = {
    "user": "OCI_CLI_USER",
    "tenancy": "OCI_CLI_TENANCY",
    "fingerprint": "OCI_CLI_FINGERPRINT",
    "region": "OCI_CLI_REGION",
    "key_file": "OCI_CLI_KEY_FILE",
    "pass_phrase": "OCI_CLI_PASSPHRASE",
    "security_token_file": "OCI_CLI_SECURITY_TOKEN_FILE",
}
# It has no entry in the file, where Oracle's SDK refuses it.
_KEY_CONTENT = "OCI_CLI_KEY_CONTENT"


@dataclass(frozen=True, repr=False)
class Credentials:
    """key_id: whose key it is, as a request signature names it; it holds the token of a session.

    region: like eu-frankfurt-1.
    """

    key_id: str
    private_key: RSAPrivateKey
    region: str


def load(profile: str, method: str, region: str) -> Credentials:
    """The credentials of a profile, by one of METHODS, for a region.

    Where one of these is empty, it is what OCI_CLI_PROFILE, OCI_CLI_AUTH and OCI_CLI_REGION say; else DEFAULT, api_key
    and the profile's region. As in Oracle's CLI a variable precedes its entry in the file, and the file may be absent.

    Raises UserError.
    """
    method = method or os.environ.get("OCI_CLI_AUTH") or "api_key"
    if method not in METHODS:
        raise UserError(f"OCI_CLI_AUTH is {method!r}.\n    export OCI_CLI_AUTH=api_key   or security_token")
    profile = profile or os.environ.get("OCI_CLI_PROFILE") or configparser.DEFAULTSECT
    entries = _entries(profile)
    entries |= {key: os.environ[name] for key, name in _VARIABLES.items() if os.environ.get(name)}
    entries |= {"region": region} if region else {}
    _require(entries, method, profile)
    if not re.fullmatch(r"[a-z]+(-[a-z]+)+-\d+", entries["region"]):
        raise UserError(f"{entries['region']!r} is no region.\n    --region eu-frankfurt-1   for instance")
    return Credentials(_key_id(entries, method), _private_key(entries), entries["region"])


def _file() -> Path:
    return Path(os.environ.get("OCI_CLI_CONFIG_FILE") or "~/.oci/config").expanduser()


def _entries(profile: str) -> dict[str, str]:
    path = _file()
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.\n    ls -l {path}") from None
    except (configparser.Error, UnicodeDecodeError):  # their messages quote the file
        raise UserError(f"{path} is no OCI configuration file.\n    {_GUIDE}   tells what it holds") from None
    if profile not in parser:
        raise UserError(
            f"{path} has no profile {profile!r}.\n    --profile NAME   where NAME is one of {', '.join(parser)}"
        )
    return dict(parser[profile])


def _require(entries: Mapping[str, str], method: str, profile: str) -> None:
    # Not ASCII is the `…` of the message below, where it was copied as it is.
    lacking = [key for key in METHODS[method] if not entries.get(key) or not entries[key].isascii()]
    if not entries.get("key_file") and not os.environ.get(_KEY_CONTENT):
        lacking.append("key_file")
    if not lacking:
        return
    path = _file()
    where = f"Profile {profile} of {path}" if path.exists() else f"There is no file {path}, and the environment"
    mended = f"export {' '.join(f'{_VARIABLES[key]}=…' for key in lacking)}   or see {_GUIDE}"
    if method == "api_key" and entries.get("security_token_file"):
        mended = "--auth security_token   as it is the profile of a session"
    raise UserError(f"{where} does not tell {', '.join(lacking)}.\n    {mended}")


def _key_id(entries: Mapping[str, str], method: str) -> str:
    if method == "security_token":
        return f"ST${_read('security_token_file', entries).strip()}"
    return f"{entries['tenancy']}/{entries['user']}/{entries['fingerprint']}"


def _private_key(entries: Mapping[str, str]) -> RSAPrivateKey:
    content = os.environ.get(_KEY_CONTENT)
    source = _KEY_CONTENT if content else entries["key_file"]
    pem = (content or _read("key_file", entries)).encode()
    pass_phrase = entries.get("pass_phrase", "").encode() or None
    try:
        key = _decrypted(pem, pass_phrase)
    except TypeError:
        raise UserError(
            f"The key in {source} is encrypted, and there is no pass phrase for it.\n"
            "    read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE   or pass_phrase in the profile"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise UserError(
            f"The key in {source} is no RSA private key in PEM form, or its pass phrase is wrong.\n"
            "    read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE   for another pass phrase"
        )
    return key


def _decrypted(pem: bytes, pass_phrase: bytes | None) -> object:
    try:
        return load_pem_private_key(pem, pass_phrase)
    except TypeError:
        # A key that is not encrypted: the pass phrase is that of DEFAULT, which every profile inherits.
        return load_pem_private_key(pem, None)


def _read(entry: str, entries: Mapping[str, str]) -> str:
    path = Path(entries[entry]).expanduser()
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise UserError(
            f"The {entry} of the OCI credentials, {path}, cannot be read: {why}.\n"
            f"    export {_VARIABLES[entry]}=PATH   or correct {entry} in {_file()}"
        ) from None
