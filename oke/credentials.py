"""The credentials of Oracle Cloud Infrastructure, from the environment and ~/.oci/config.

Oracle's SDK reads them too, but takes 500 MB of disk, and 0.3 s to import at each kubectl call.
Sources: https://docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm (the file),
https://docs.oracle.com/en-us/iaas/Content/API/SDKDocs/clienvironmentvariables.htm (the variables).
"""

import configparser
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from oke.names import require_region
from system.errors import UserError

# The entries that each way to authenticate needs beside the private key.
METHODS: Mapping[str, tuple[str, ...]] = {
    "api_key": ("user", "tenancy", "fingerprint", "region"),
    "security_token": ("security_token_file", "region"),
}

_GUIDE = "https://docs.oracle.com/en-us/iaas/Content/API/Concepts/sdkconfig.htm"

# The variable that replaces an entry of the file.
_VARIABLES = {
    "user": "OCI_CLI_USER",
    "tenancy": "OCI_CLI_TENANCY",
    "fingerprint": "OCI_CLI_FINGERPRINT",
    "region": "OCI_CLI_REGION",
    "key_file": "OCI_CLI_KEY_FILE",
    "pass_phrase": "OCI_CLI_PASSPHRASE",
    "security_token_file": "OCI_CLI_SECURITY_TOKEN_FILE",
}
# The file has no such entry: Oracle's SDK refuses it there.
_KEY_CONTENT = "OCI_CLI_KEY_CONTENT"
_READ_PASSPHRASE = "read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE"  # noqa: S105 (a command)


@dataclass(frozen=True, repr=False)
class Credentials:
    """A key that signs requests."""

    key_id: str
    """The key's owner, as a signature names it. It may hold the token of a session."""
    private_key: RSAPrivateKey
    region: str
    """Like eu-frankfurt-1."""


def load(*, profile: str | None = None, auth: str | None = None, region: str | None = None) -> Credentials:
    """Return the credentials of a profile.

    As in Oracle's CLI, a variable precedes its entry in the file, and the file may be absent.

    profile: by default OCI_CLI_PROFILE, else DEFAULT.
    auth: one of METHODS; by default OCI_CLI_AUTH, else api_key.
    region: by default OCI_CLI_REGION, else the profile's.

    Raises UserError.
    """
    auth = auth or os.environ.get("OCI_CLI_AUTH") or "api_key"
    if auth not in METHODS:
        raise UserError(f"OCI_CLI_AUTH is {auth!r}, not {' or '.join(METHODS)}.", "export OCI_CLI_AUTH=api_key")
    profile = profile or os.environ.get("OCI_CLI_PROFILE") or configparser.DEFAULTSECT
    entries = _entries(profile)
    entries |= {key: os.environ[name] for key, name in _VARIABLES.items() if os.environ.get(name)}
    entries |= {"region": region} if region else {}
    _require(entries, auth, profile)
    region = require_region(entries["region"])
    return Credentials(_key_id(entries, auth), _private_key(entries), region)


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
        raise UserError(f"{path} cannot be read: {error.strerror}.", f"ls -l {path}") from None
    except (configparser.Error, UnicodeDecodeError):  # their messages quote the file
        raise UserError(f"{path} is not an OCI configuration file; {_GUIDE} describes the format.") from None
    if profile not in parser:
        raise UserError(f"{path} has no profile {profile!r}, only {', '.join(parser)}.")
    return dict(parser[profile])


def _require(entries: Mapping[str, str], auth: str, profile: str) -> None:
    # A header of a request has ASCII only.
    missing = [key for key in METHODS[auth] if not entries.get(key) or not entries[key].isascii()]
    if not entries.get("key_file") and not os.environ.get(_KEY_CONTENT):
        missing.append("key_file")
    if not missing:
        return
    path = _file()
    where = f"Profile {profile} of {path}" if path.exists() else f"There is no file {path}, and the environment"
    message = f"{where} has no valid {', '.join(missing)}"
    if auth == "api_key" and entries.get("security_token_file"):
        raise UserError(f"{message}: it is the profile of a session.", "export OCI_CLI_AUTH=security_token")
    assignments = " ".join(f"{_VARIABLES[key]}={key.upper()}" for key in missing)
    raise UserError(f"{message}; {_GUIDE} describes the file.", f"export {assignments}")


def _key_id(entries: Mapping[str, str], auth: str) -> str:
    if auth == "security_token":
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
            f"The key in {source} is encrypted, and OCI_CLI_PASSPHRASE is not set.", _READ_PASSPHRASE
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey):
        raise UserError(
            f"The key in {source} is not an RSA private key in PEM form, or its pass phrase is wrong.", _READ_PASSPHRASE
        )
    return key


def _decrypted(pem: bytes, pass_phrase: bytes | None) -> object:
    try:
        return load_pem_private_key(pem, pass_phrase)
    except TypeError:
        # The key is not encrypted: every profile inherits the pass phrase of DEFAULT.
        return load_pem_private_key(pem, None)


def _read(entry: str, entries: Mapping[str, str]) -> str:
    path = Path(entries[entry]).expanduser()
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise UserError(
            f"{path}, the {entry} of the OCI credentials, cannot be read: {why}.", f"export {_VARIABLES[entry]}=PATH"
        ) from None
