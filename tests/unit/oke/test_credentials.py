from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from oke import credentials
from system.errors import UserError
from tests.support import example, oci_api
from tests.support.oci_api import FINGERPRINT, KEY_ID, PASS_PHRASE, REGION, SESSION_TOKEN, TENANCY, USER

OTHER_REGION = "uk-london-1"


@pytest.mark.parametrize(
    ("profile", "auth", "key_id"),
    [
        (None, None, KEY_ID),
        ("encrypted", None, KEY_ID),
        ("plain", None, KEY_ID),
        ("other", None, KEY_ID.replace("aaaauser", "other")),
        ("session", "security_token", f"ST${SESSION_TOKEN}"),
        ("session", None, KEY_ID),
        ("session", "api_key", KEY_ID),
    ],
)
def test_profile_is_loaded(home: Path, profile: str | None, auth: str | None, key_id: str) -> None:
    oci_api.write_config(
        home,
        encrypted={"key_file": "~/.oci/encrypted.pem", "pass_phrase": PASS_PHRASE},
        plain={"pass_phrase": "for another key"},
        other={"user": USER.replace("aaaauser", "other")},
        session={"security_token_file": "~/.oci/token"},
    )

    loaded = credentials.load(profile=profile, auth=auth)

    assert (loaded.key_id, loaded.region) == (key_id, REGION)
    assert loaded.private_key.private_numbers() == oci_api.KEY.private_numbers()
    assert SESSION_TOKEN not in repr(loaded)


def test_environment_replaces_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"USER": USER, "TENANCY": TENANCY, "FINGERPRINT": FINGERPRINT, "REGION": REGION}
    for name, value in {**values, "KEY_CONTENT": oci_api.pem()}.items():
        monkeypatch.setenv(f"OCI_CLI_{name}", value)

    assert credentials.load().key_id == KEY_ID


@pytest.mark.parametrize(
    ("variables", "key_id"),
    [
        ({"OCI_CLI_USER": "ocid1.user.oc1..other"}, KEY_ID.replace(USER, "ocid1.user.oc1..other")),
        ({"OCI_CLI_FINGERPRINT": "00:00"}, KEY_ID.replace(FINGERPRINT, "00:00")),
        ({"OCI_CLI_PROFILE": "other"}, KEY_ID.replace(USER, "ocid1.user.oc1..profile")),
        ({"OCI_CLI_KEY_FILE": "~/.oci/encrypted.pem", "OCI_CLI_PASSPHRASE": PASS_PHRASE}, KEY_ID),
        ({"OCI_CLI_KEY_CONTENT": oci_api.pem(PASS_PHRASE), "OCI_CLI_PASSPHRASE": PASS_PHRASE}, KEY_ID),
        ({"OCI_CLI_KEY_CONTENT": oci_api.pem(), "OCI_CLI_KEY_FILE": "missing"}, KEY_ID),
        ({"OCI_CLI_AUTH": "security_token", "OCI_CLI_SECURITY_TOKEN_FILE": "~/.oci/token"}, f"ST${SESSION_TOKEN}"),
        ({"OCI_CLI_CONFIG_FILE": "~/elsewhere"}, KEY_ID.replace(USER, "ocid1.user.oc1..elsewhere")),
    ],
)
def test_variable_precedes_the_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], key_id: str
) -> None:
    oci_api.write_config(home, other={"user": "ocid1.user.oc1..profile"})
    config = (home / ".oci/config").read_text()
    (home / "elsewhere").write_text(config.replace(USER, "ocid1.user.oc1..elsewhere"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert credentials.load().key_id == key_id


@pytest.mark.parametrize(
    ("variable", "argument", "region"),
    [
        ("", None, REGION),
        (OTHER_REGION, None, OTHER_REGION),
        ("ap-tokyo-1", OTHER_REGION, OTHER_REGION),
    ],
)
def test_region_is_the_argument_then_the_variable_then_the_profiles(
    home: Path, monkeypatch: pytest.MonkeyPatch, variable: str, argument: str | None, region: str
) -> None:
    oci_api.write_config(home)
    monkeypatch.setenv("OCI_CLI_REGION", variable)

    assert credentials.load(region=argument).region == region


def removed(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def written(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


@dataclass(frozen=True)
class Mistake:
    message: str
    """A part of the error's; HOME is the home."""
    hint: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict[str, str])
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    change: Callable[[Path], object] = lambda _folder: None
    """What the user did to ~/.oci."""


ED25519 = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
READ_PASS_PHRASE = "read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE"
EXPORT_TOKEN = "export OCI_CLI_SECURITY_TOKEN_FILE"
WITHOUT_TENANCY = b"[DEFAULT]\nregion=eu-frankfurt-1\nuser=u\nkey_file=~/.oci/key.pem\n"
SESSION = b"[DEFAULT]\nregion=r\ntenancy=t\nfingerprint=f\nkey_file=k\nsecurity_token_file=t\n"

MISTAKES = [
    Mistake("'a-b-1.example.com/'", arguments={"region": "a-b-1.example.com/"}),
    Mistake("OCI_CLI_AUTH", "export OCI_CLI_AUTH=api_key", variables={"OCI_CLI_AUTH": "x"}),
    Mistake(
        "HOME/.oci/config",
        "export OCI_CLI_USER=USER OCI_CLI_TENANCY=TENANCY OCI_CLI_FINGERPRINT=FINGERPRINT OCI_CLI_REGION=REGION "
        "OCI_CLI_KEY_FILE=KEY_FILE",
        change=removed("config"),
    ),
    Mistake(
        "tenancy, fingerprint",
        "export OCI_CLI_TENANCY=TENANCY OCI_CLI_FINGERPRINT=FINGERPRINT",
        change=written("config", WITHOUT_TENANCY),
    ),
    Mistake("user", "export OCI_CLI_USER=USER", variables={"OCI_CLI_USER": "…"}),
    Mistake("session", "export OCI_CLI_AUTH=security_token", change=written("config", SESSION)),
    Mistake("security_token_file", f"{EXPORT_TOKEN}=SECURITY_TOKEN_FILE", {"auth": "security_token"}),
    Mistake("HOME/gone", f"{EXPORT_TOKEN}=PATH", {"auth": "security_token"}, {"OCI_CLI_SECURITY_TOKEN_FILE": "~/gone"}),
    Mistake("no profile 'prod'", arguments={"profile": "prod"}),
    Mistake("HOME/.oci/config", change=written("config", f"pass_phrase={PASS_PHRASE}\n".encode())),
    Mistake("HOME/.oci/config", change=written("config", b"\xff\xfe")),
    Mistake("HOME/.oci", "ls -l HOME/.oci", variables={"OCI_CLI_CONFIG_FILE": "~/.oci"}),
    Mistake("HOME/.oci/key.pem", "export OCI_CLI_KEY_FILE=PATH", change=removed("key.pem")),
    Mistake("~/.oci/key.pem", READ_PASS_PHRASE, change=written("key.pem", b"canary")),
    Mistake("~/.oci/key.pem", READ_PASS_PHRASE, change=written("key.pem", ED25519)),
    Mistake("~/.oci/encrypted.pem is encrypted", READ_PASS_PHRASE, {"profile": "encrypted"}),
    Mistake("~/.oci/encrypted.pem", READ_PASS_PHRASE, {"profile": "encrypted"}, {"OCI_CLI_PASSPHRASE": "canary"}),
    Mistake("OCI_CLI_KEY_CONTENT", READ_PASS_PHRASE, variables={"OCI_CLI_KEY_CONTENT": "canary"}),
]


@pytest.mark.parametrize("mistake", MISTAKES)
def test_unusable_credentials_are_reported(home: Path, monkeypatch: pytest.MonkeyPatch, mistake: Mistake) -> None:
    oci_api.write_config(home, encrypted={"key_file": "~/.oci/encrypted.pem"})
    mistake.change(home / ".oci")
    for name, value in mistake.variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(UserError) as error:
        credentials.load(**mistake.arguments)

    assert mistake.message in error.value.message.replace(str(home), "HOME")
    assert (error.value.hint or "").replace(str(home), "HOME") == (mistake.hint or "")
    assert example.CANARY not in str(error.value)
