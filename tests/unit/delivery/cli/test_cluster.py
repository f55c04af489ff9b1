"""`python -m delivery`: a kubeconfig for an OKE cluster, and the token of the plug-in that it names."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from components.cluster import existing
from delivery.__main__ import main
from kube import kubeconfig
from tests.support import example, oci_api
from tests.support.oci_api import CLUSTER, KEY_ID, PASS_PHRASE, REGION, SESSION_TOKEN, Oracle

PATH = os.pathsep.join([str(example.PROJECT_FOLDER / ".tools" / "bin"), os.environ["PATH"]])
KUBECTL = shutil.which("kubectl", path=PATH) or "kubectl"

SESSION = {"security_token_file": "~/.oci/token"}
ENVIRONMENT = {
    "OCI_CLI_USER": oci_api.USER,
    "OCI_CLI_TENANCY": oci_api.TENANCY,
    "OCI_CLI_FINGERPRINT": oci_api.FINGERPRINT,
    "OCI_CLI_REGION": REGION,
    "OCI_CLI_KEY_CONTENT": oci_api.pem(),
}
OTHER_REGION = "uk-london-1"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's home, with nothing in it, and an environment that says nothing about OCI."""
    for name in [name for name in os.environ if name.startswith("OCI_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def oci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Oracle]:
    certificate = tmp_path / "certificate.pem"
    oci_api.write_certificate(certificate)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    server = Oracle(certificate)
    with server.serve():
        monkeypatch.setenv("OCI_CLI_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def token(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def printed(*options: str) -> str:
        assert main(["oke-token", "--cluster", CLUSTER, *options]) == 0
        return json.loads(capsys.readouterr().out)["status"]["token"]

    return printed


def write_kubeconfig(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    """The path of what the command prints."""
    assert main(["kubeconfig", "--cluster", CLUSTER, *options]) == 0
    Path("oke.yaml").write_text(capsys.readouterr().out)
    return "oke.yaml"


def user_of(token: str, *, region: str = REGION) -> str:
    return oci_api.user_of(token, cluster=CLUSTER, region=region, now=datetime.now(UTC))


def test_the_token_is_a_request_that_oracle_takes_for_four_minutes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    oci_api.write_config(home)
    before = datetime.now(UTC).replace(microsecond=0)

    assert main(["oke-token", "--cluster", CLUSTER]) == 0

    credential = json.loads(capsys.readouterr().out)
    expiry = datetime.fromisoformat(credential["status"]["expirationTimestamp"])
    assert (credential["apiVersion"], credential["kind"]) == ("client.authentication.k8s.io/v1beta1", "ExecCredential")
    assert before + timedelta(minutes=4) <= expiry <= datetime.now(UTC) + timedelta(minutes=4)
    assert oci_api.user_of(credential["status"]["token"], cluster=CLUSTER, region=REGION, now=expiry) == KEY_ID


@pytest.mark.parametrize("suffix", ["", "a", "aa"])
def test_the_token_can_be_in_a_header_and_a_url(home: Path, token: Callable[..., str], suffix: str) -> None:
    oci_api.write_config(home)

    assert re.fullmatch(r"[\w-]+=*", token("--cluster", CLUSTER + suffix))


@pytest.mark.parametrize(
    ("options", "key_id"),
    [
        ((), KEY_ID),
        (("--profile", "encrypted"), KEY_ID),
        (("--profile", "plain"), KEY_ID),
        (("--profile", "other"), KEY_ID.replace("aaaauser", "other")),
        (("--profile", "session", "--auth", "security_token"), f"ST${SESSION_TOKEN}"),
        (("--profile", "session"), KEY_ID),
        (("--profile", "session", "--auth", "api_key"), KEY_ID),
    ],
)
def test_a_profile_signs(home: Path, token: Callable[..., str], options: tuple[str, ...], key_id: str) -> None:
    oci_api.write_config(
        home,
        encrypted={"key_file": "~/.oci/encrypted.pem", "pass_phrase": PASS_PHRASE},
        plain={"pass_phrase": "for another key"},
        other={"user": oci_api.USER.replace("aaaauser", "other")},
        session=SESSION,
    )

    assert user_of(token(*options)) == key_id


def test_the_environment_needs_no_file(token: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    assert user_of(token()) == KEY_ID


@pytest.mark.parametrize(
    ("variables", "key_id"),
    [
        ({"OCI_CLI_USER": "ocid1.user.oc1..other"}, KEY_ID.replace(oci_api.USER, "ocid1.user.oc1..other")),
        ({"OCI_CLI_TENANCY": "ocid1.tenancy.oc1..other"}, KEY_ID.replace(oci_api.TENANCY, "ocid1.tenancy.oc1..other")),
        ({"OCI_CLI_FINGERPRINT": "00:00"}, KEY_ID.replace(oci_api.FINGERPRINT, "00:00")),
        ({"OCI_CLI_PROFILE": "other"}, KEY_ID.replace(oci_api.USER, "ocid1.user.oc1..profile")),
        ({"OCI_CLI_KEY_FILE": "~/.oci/encrypted.pem", "OCI_CLI_PASSPHRASE": PASS_PHRASE}, KEY_ID),
        ({"OCI_CLI_KEY_CONTENT": oci_api.pem(PASS_PHRASE), "OCI_CLI_PASSPHRASE": PASS_PHRASE}, KEY_ID),
        ({"OCI_CLI_KEY_CONTENT": oci_api.pem(), "OCI_CLI_KEY_FILE": "missing"}, KEY_ID),
        ({"OCI_CLI_AUTH": "security_token", "OCI_CLI_SECURITY_TOKEN_FILE": "~/.oci/token"}, f"ST${SESSION_TOKEN}"),
        ({"OCI_CLI_CONFIG_FILE": "~/elsewhere"}, KEY_ID.replace(oci_api.USER, "ocid1.user.oc1..elsewhere")),
    ],
)
def test_the_environment_precedes_the_file(
    home: Path,
    token: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    variables: Mapping[str, str],
    key_id: str,
) -> None:
    oci_api.write_config(home, other={"user": "ocid1.user.oc1..profile"})
    config = (home / ".oci" / "config").read_text()
    (home / "elsewhere").write_text(config.replace(oci_api.USER, "ocid1.user.oc1..elsewhere"))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert user_of(token()) == key_id


@pytest.mark.parametrize(
    ("variable", "options", "region"),
    [
        ("", (), REGION),
        (OTHER_REGION, (), OTHER_REGION),
        ("", ("--region", OTHER_REGION), OTHER_REGION),
        ("ap-tokyo-1", ("--region", OTHER_REGION), OTHER_REGION),
    ],
)
def test_the_region_is_the_option_then_the_environment_then_the_profile(
    token: Callable[..., str], monkeypatch: pytest.MonkeyPatch, variable: str, options: tuple[str, ...], region: str
) -> None:
    oci_api.write_config(Path.home())
    monkeypatch.setenv("OCI_CLI_REGION", variable)

    assert user_of(token(*options), region=region) == KEY_ID


@pytest.mark.parametrize("options", [(), ("--profile", "session", "--auth", "security_token")])
def test_kubectl_and_the_program_reach_the_cluster(
    home: Path, oci: Oracle, capsys: pytest.CaptureFixture[str], options: tuple[str, ...]
) -> None:
    oci_api.write_config(home, session=SESSION)
    path = write_kubeconfig(capsys, *options)

    asked = subprocess.run(
        [KUBECTL, "--kubeconfig", path, "get", "--raw", "/api/v1/namespaces"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    identity = existing.identify(kubeconfig.read(path, ""), named="", stack="oke")

    assert asked.stderr == ""
    assert json.loads(asked.stdout)["items"][0]["metadata"]["uid"] == identity.uid == "uid-of-the-cluster"
    assert oci.users == [f"ST${SESSION_TOKEN}" if options else KEY_ID] * 2


def test_whoever_may_not_sign_is_told_so_by_kubectl(
    home: Path, oci: Oracle, capsys: pytest.CaptureFixture[str]
) -> None:
    oci_api.write_config(home)
    path = write_kubeconfig(capsys)
    (home / ".oci" / "key.pem").unlink()

    asked = subprocess.run(
        [KUBECTL, "--kubeconfig", path, "get", "--raw", "/api/v1/namespaces"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert asked.returncode == 1
    assert f"error: The key_file of the OCI credentials, {home}/.oci/key.pem, cannot be read" in asked.stderr
    assert oci.users == []


def test_the_kubeconfig_is_oracles_with_this_plugin(
    home: Path, oci: Oracle, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    oci_api.write_config(home, encrypted={"key_file": "~/.oci/encrypted.pem"})
    monkeypatch.setenv("OCI_CLI_PASSPHRASE", PASS_PHRASE)
    path = write_kubeconfig(capsys, "--profile", "encrypted")

    written = yaml.safe_load(Path(path).read_text())
    plugin = written["users"][0]["user"].pop("exec")
    expected = oci.kubeconfig()
    del expected["users"][0]["user"]["exec"]
    assert written == expected
    assert plugin["args"][3:] == ["oke-token", "--cluster", CLUSTER, "--region", REGION, "--profile", "encrypted"]
    assert example.CANARY not in Path(path).read_text()


@pytest.mark.parametrize(
    ("options", "endpoint"),
    [
        ((), "PUBLIC_ENDPOINT"),
        (("--endpoint", "public"), "PUBLIC_ENDPOINT"),
        (("--endpoint", "private"), "PRIVATE_ENDPOINT"),
    ],
)
def test_the_endpoint_is_the_public_one_unless_the_private_is_asked_for(
    home: Path, oci: Oracle, capsys: pytest.CaptureFixture[str], options: tuple[str, ...], endpoint: str
) -> None:
    oci_api.write_config(home)

    write_kubeconfig(capsys, *options)

    assert oci.asked == [{"tokenVersion": "2.0.0", "endpoint": endpoint}]


def test_the_plugin_runs_the_code_of_no_other_folder(
    home: Path, oci: Oracle, capsys: pytest.CaptureFixture[str]
) -> None:
    oci_api.write_config(home)
    path = write_kubeconfig(capsys)
    Path("json.py").write_text("raise SystemExit('hijacked')")
    (home / "delivery").mkdir()
    (home / "delivery" / "__main__.py").write_text("raise SystemExit('hijacked')")

    assert existing.identify(kubeconfig.read(path, ""), named="", stack="oke").uid == "uid-of-the-cluster"
    assert oci.users == [KEY_ID]


@dataclass(frozen=True)
class Mistake:
    """change: what the user did to ~/.oci; error: the sentence, where HOME is the home; mended: in the line below."""

    error: str
    mended: str
    options: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict[str, str])
    change: Callable[[Path], object] = lambda _folder: None


def removed(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).unlink()


def written(name: str, content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(content)


ED25519 = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

MISTAKES = [
    Mistake("'my-cluster' is no cluster's OCID.", "--cluster ocid1.cluster.oc1.…", ("--cluster", "my-cluster")),
    Mistake(f"'{CLUSTER}/x' is no cluster's OCID.", "--cluster ocid1.cluster.oc1.…", ("--cluster", f"{CLUSTER}/x")),
    Mistake("'fra' is no region.", "--region eu-frankfurt-1", ("--region", "fra")),
    Mistake("'a-b-1.example.com/' is no region.", "--region eu-frankfurt-1", ("--region", "a-b-1.example.com/")),
    Mistake("OCI_CLI_AUTH is 'x'.", "export OCI_CLI_AUTH=api_key", variables={"OCI_CLI_AUTH": "x"}),
    Mistake(
        "There is no file HOME/.oci/config, and the environment does not tell user, tenancy, fingerprint, region, "
        "key_file.",
        "export OCI_CLI_USER=… OCI_CLI_TENANCY=… OCI_CLI_FINGERPRINT=… OCI_CLI_REGION=… OCI_CLI_KEY_FILE=…",
        change=removed("config"),
    ),
    Mistake(
        "Profile DEFAULT of HOME/.oci/config does not tell tenancy, fingerprint.",
        "export OCI_CLI_TENANCY=… OCI_CLI_FINGERPRINT=…",
        change=written("config", b"[DEFAULT]\nregion=eu-frankfurt-1\nuser=u\nkey_file=~/.oci/key.pem\n"),
    ),
    Mistake(
        "Profile DEFAULT of HOME/.oci/config does not tell user, fingerprint.",
        "export OCI_CLI_USER=… OCI_CLI_FINGERPRINT=…",
        variables={"OCI_CLI_USER": "…", "OCI_CLI_FINGERPRINT": "…"},
    ),
    Mistake(
        "Profile DEFAULT of HOME/.oci/config does not tell user.",
        "--auth security_token   as it is the profile of a session",
        change=written("config", b"[DEFAULT]\nregion=r\ntenancy=t\nfingerprint=f\nkey_file=k\nsecurity_token_file=t\n"),
    ),
    Mistake(
        "Profile DEFAULT of HOME/.oci/config does not tell security_token_file.",
        "export OCI_CLI_SECURITY_TOKEN_FILE=…",
        ("--auth", "security_token"),
    ),
    Mistake(
        "Profile DEFAULT of HOME/.oci/config does not tell key_file.",
        "export OCI_CLI_KEY_FILE=…",
        ("--auth", "security_token"),
        change=written("config", b"[DEFAULT]\nregion=eu-frankfurt-1\nsecurity_token_file=t\n"),
    ),
    Mistake(
        "The security_token_file of the OCI credentials, HOME/gone, cannot be read: No such file or directory.",
        "export OCI_CLI_SECURITY_TOKEN_FILE=PATH",
        ("--auth", "security_token"),
        {"OCI_CLI_SECURITY_TOKEN_FILE": "~/gone"},
    ),
    Mistake(
        "HOME/.oci/config has no profile 'prod'.",
        "--profile NAME   where NAME is one of DEFAULT, encrypted",
        ("--profile", "prod"),
    ),
    Mistake(
        "HOME/.oci/config is no OCI configuration file.",
        "sdkconfig.htm",
        change=written("config", f"pass_phrase={PASS_PHRASE}\n".encode()),
    ),
    Mistake("HOME/.oci/config is no OCI configuration file.", "sdkconfig.htm", change=written("config", b"\xff\xfe")),
    Mistake(
        "HOME/.oci cannot be read: Is a directory.", "ls -l HOME/.oci", variables={"OCI_CLI_CONFIG_FILE": "~/.oci"}
    ),
    Mistake(
        "The key_file of the OCI credentials, HOME/.oci/key.pem, cannot be read: No such file or directory.",
        "export OCI_CLI_KEY_FILE=PATH   or correct key_file in HOME/.oci/config",
        change=removed("key.pem"),
    ),
    Mistake(
        "The key_file of the OCI credentials, HOME/.oci/key.pem, cannot be read: it is not ASCII.",
        "export OCI_CLI_KEY_FILE=PATH   or correct key_file in HOME/.oci/config",
        change=written("key.pem", b"\xff\xfe"),
    ),
    Mistake(
        "The key in ~/.oci/key.pem is no RSA private key in PEM form, or its pass phrase is wrong.",
        "read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE",
        change=written("key.pem", b"canary"),
    ),
    Mistake(
        "The key in ~/.oci/key.pem is no RSA private key in PEM form, or its pass phrase is wrong.",
        "read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE",
        change=written("key.pem", ED25519),
    ),
    Mistake(
        "The key in ~/.oci/encrypted.pem is encrypted, and there is no pass phrase for it.",
        "read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE",
        ("--profile", "encrypted"),
    ),
    Mistake(
        "The key in ~/.oci/encrypted.pem is no RSA private key in PEM form, or its pass phrase is wrong.",
        "read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE",
        ("--profile", "encrypted"),
        {"OCI_CLI_PASSPHRASE": "canary"},
    ),
    Mistake(
        "The key in OCI_CLI_KEY_CONTENT is no RSA private key in PEM form, or its pass phrase is wrong.",
        "read -rs OCI_CLI_PASSPHRASE && export OCI_CLI_PASSPHRASE",
        variables={"OCI_CLI_KEY_CONTENT": "canary"},
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("command", ["oke-token", "kubeconfig"])
def test_credentials_that_cannot_be_used_are_explained(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, mistake: Mistake
) -> None:
    oci_api.write_config(home, encrypted={"key_file": "~/.oci/encrypted.pem"})
    mistake.change(home / ".oci")
    for name, value in mistake.variables.items():
        monkeypatch.setenv(name, value)

    assert main([command, "--cluster", CLUSTER, *mistake.options]) == 1

    printed = capsys.readouterr()
    error, mended = printed.err.replace(str(home), "HOME").splitlines()
    assert error == f"error: {mistake.error}"
    assert mended.startswith("    ")
    assert mistake.mended in mended
    assert printed.out == ""
    assert example.CANARY not in printed.err


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:9/20180222", "127.0.0.1", "https://x:y"])
def test_oci_that_does_not_answer_is_explained(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    oci_api.write_config(home)
    monkeypatch.setenv("OCI_CLI_ENDPOINT", endpoint)

    assert main(["kubeconfig", "--cluster", CLUSTER]) == 1

    assert f"error: OCI does not answer at {endpoint}: " in capsys.readouterr().err


def test_the_api_is_that_of_the_region(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    oci_api.write_config(home)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # so that nothing leaves this machine

    assert main(["kubeconfig", "--cluster", CLUSTER, "--region", OTHER_REGION]) == 1

    api = f"https://containerengine.{OTHER_REGION}.oci.oraclecloud.com/20180222"
    assert f"OCI does not answer at {api}: " in capsys.readouterr().err


def test_a_key_that_oci_does_not_know_is_explained(home: Path, oci: Oracle, capsys: pytest.CaptureFixture[str]) -> None:
    oci_api.write_config(home)
    other = oci_api.generate_private_key(65537, 2048)
    (home / ".oci" / "key.pem").write_text(oci_api.pem(key=other))

    assert main(["kubeconfig", "--cluster", CLUSTER]) == 1

    assert "error: OCI does not know the key, or this machine's clock" in capsys.readouterr().err
    assert oci.asked == []


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (HTTPStatus.NOT_FOUND, {"message": "x"}, f"There is no cluster {CLUSTER} in {REGION}, or the user may not"),
        (HTTPStatus.FORBIDDEN, {"message": "x"}, f"There is no cluster {CLUSTER} in {REGION}, or the user may not"),
        (
            HTTPStatus.BAD_REQUEST,
            {"code": "InvalidParameter", "message": "The cluster has no public endpoint"},
            f"OCI gives no kubeconfig for {CLUSTER} (400): The cluster has no public endpoint",
        ),
        (HTTPStatus.BAD_GATEWAY, "<html>", f"OCI gives no kubeconfig for {CLUSTER} (502): Bad Gateway"),
        (HTTPStatus.BAD_GATEWAY, [], f"OCI gives no kubeconfig for {CLUSTER} (502): Bad Gateway"),
        (HTTPStatus.BAD_GATEWAY, {}, f"OCI gives no kubeconfig for {CLUSTER} (502): Bad Gateway"),
        (HTTPStatus.OK, "a: [", f"OCI's answer for {CLUSTER} is no kubeconfig."),
        (HTTPStatus.OK, "<html>", f"OCI's answer for {CLUSTER} is no kubeconfig."),
        (HTTPStatus.OK, {"users": None}, f"OCI's answer for {CLUSTER} is no kubeconfig."),
        (HTTPStatus.OK, {}, f"OCI's answer for {CLUSTER} is no kubeconfig."),
    ],
)
def test_an_answer_without_a_kubeconfig_is_explained(
    oci: Oracle, capsys: pytest.CaptureFixture[str], status: HTTPStatus, body: Any, sentence: str
) -> None:
    oci_api.write_config(Path.home())
    oci.answer = (status, (body if isinstance(body, str) else json.dumps(body)).encode())

    assert main(["kubeconfig", "--cluster", CLUSTER]) == 1

    printed = capsys.readouterr()
    assert sentence in printed.err
    assert printed.out == ""
