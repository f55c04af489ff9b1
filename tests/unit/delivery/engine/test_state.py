from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from delivery.engine import state
from delivery.setup.run import run_setup
from system.errors import UserError
from tests.support import example
from tests.support.terminal import Scripted

LOCAL = example.PROJECT_FOLDER / "Pulumi.local.yaml"
KEYS = {"AWS_ACCESS_KEY_ID": "0123abcd", "AWS_SECRET_ACCESS_KEY": "canary-secret-key"}
ENDPOINT = "https://axns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com"
OWN_DOMAIN = "https://axns.compat.objectstorage.eu-frankfurt-1.oci.customer-oci.com"
OCI = f"s3://todo-state?endpoint={ENDPOINT}&region=eu-frankfurt-1&s3ForcePathStyle=true"
MINIO = "s3://bucket?endpoint=https://minio.example.com"
WHEN_SUPPORTED = {"AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_SUPPORTED"}
UNSET = "unset AWS_REQUEST_CHECKSUM_CALCULATION"
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "local"}
READ_PASSPHRASE = "read -rs PULUMI_CONFIG_PASSPHRASE && export PULUMI_CONFIG_PASSPHRASE"


def hints(problems: Sequence[UserError]) -> list[str | None]:
    assert "canary" not in "".join(map(str, problems))
    return [problem.hint for problem in problems]


def backend_hints(home: Path, url: str, **environment: str) -> list[str | None]:
    return hints(state.backend_problems({"HOME": str(home), "PULUMI_BACKEND_URL": url, **environment}))


def secrets_hints(stack_file: Path, environment: Mapping[str, str] = PASSPHRASE) -> list[str | None]:
    return hints(state.secrets_problems({"PULUMI_BACKEND_URL": "file:///state", **environment}, stack_file))


def test_url_of_a_bucket_has_all_that_oci_requires(tmp_path: Path) -> None:
    assert state.object_storage_url("axns", "eu-frankfurt-1", "todo-state") == OCI
    assert backend_hints(tmp_path, OCI, **KEYS) == []


@pytest.mark.parametrize(
    ("namespace", "region", "bucket", "wrong"),
    [
        ("", "eu-frankfurt-1", "b", "''"),
        ("axns", "FRA", "b", "'FRA'"),
        ("axns", "eu-frankfurt-1", "a&b", "'a&b'"),
    ],
)
def test_invalid_bucket_address_is_rejected(namespace: str, region: str, bucket: str, wrong: str) -> None:
    with pytest.raises(UserError, match=f"^{wrong} is not a"):
        state.object_storage_url(namespace, region, bucket)


@pytest.mark.parametrize(
    "url",
    [
        OCI.replace(ENDPOINT, OWN_DOMAIN),
        OCI.replace("s3ForcePathStyle", "use_path_style"),
        OCI.replace("https://", ""),  # which the engine adds
        "s3://amazons-bucket",  # AWS has roles
        MINIO,
        "file:///home/user/state",
        "gs://bucket",
    ],
)
def test_complete_backend_has_no_problem(tmp_path: Path, url: str) -> None:
    assert backend_hints(tmp_path, url, **(KEYS if "endpoint" in url else {})) == []


@pytest.mark.parametrize(
    ("url", "corrected"),
    [
        (OCI.replace("&s3ForcePathStyle=true", ""), OCI),
        (OCI.replace("region=eu-frankfurt-1", "region=us-east-1"), OCI),
        (f"s3://todo-state?endpoint={ENDPOINT.removeprefix('https://')}", OCI),
        (
            f"s3://todo-state/prod?endpoint={OWN_DOMAIN}",
            f"s3://todo-state/prod?endpoint={OWN_DOMAIN}&region=eu-frankfurt-1&s3ForcePathStyle=true",
        ),
        (
            OCI.replace(ENDPOINT, "https://objectstorage.eu-frankfurt-1.oraclecloud.com"),
            OCI.replace("axns", "NAMESPACE").replace("eu-frankfurt-1", "REGION"),
        ),
    ],
)
def test_incomplete_url_of_oci_is_corrected(tmp_path: Path, url: str, corrected: str) -> None:
    assert backend_hints(tmp_path, url, **KEYS) == [f"export PULUMI_BACKEND_URL='{corrected}'"]


@pytest.mark.parametrize(
    ("url", "environment", "expected"),
    [
        (OCI, WHEN_SUPPORTED, [UNSET]),
        (f"{OCI}&request_checksum_calculation=when_supported", WHEN_SUPPORTED, [f"export PULUMI_BACKEND_URL='{OCI}'"]),
        (f"{OCI}&request_checksum_calculation=when_required", WHEN_SUPPORTED, []),
        (MINIO, WHEN_SUPPORTED, []),
    ],
)
def test_checksums_that_oci_rejects_are_reported(
    tmp_path: Path, url: str, environment: Mapping[str, str], expected: Sequence[str]
) -> None:
    assert backend_hints(tmp_path, url, **KEYS, **environment) == expected


@pytest.mark.parametrize("url", ["", "swift://u:canary@b", "/state"])
def test_missing_or_unknown_backend_is_reported(tmp_path: Path, url: str) -> None:
    assert backend_hints(tmp_path, url) == [f"export PULUMI_BACKEND_URL={state.PULUMI_CLOUD}"]


@pytest.mark.parametrize(
    ("url", "environment", "missing"),
    [
        (OCI, {}, ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]),
        (OCI, {"AWS_SECRET_ACCESS_KEY": "canary-key", "AWS_PROFILE": "oci"}, ["AWS_ACCESS_KEY_ID"]),
        ("s3://amazons-bucket", {"AWS_ACCESS_KEY_ID": "0123abcd"}, ["AWS_SECRET_ACCESS_KEY"]),
    ],
)
def test_missing_key_of_a_bucket_is_asked_for(
    tmp_path: Path, url: str, environment: Mapping[str, str], missing: Sequence[str]
) -> None:
    commands = [f"read -rs {name} && export {name}" for name in missing]
    assert backend_hints(tmp_path, url, **environment) == [" && ".join(commands)]


def test_key_of_a_bucket_may_be_in_a_profile(tmp_path: Path) -> None:
    assert backend_hints(tmp_path, OCI, AWS_PROFILE="oci") == []
    assert backend_hints(tmp_path, f"{OCI}&profile=oci") == []
    file = tmp_path / "credentials"
    assert len(backend_hints(tmp_path, OCI, AWS_SHARED_CREDENTIALS_FILE=str(file))) == 1
    file.touch()
    assert backend_hints(tmp_path, OCI, AWS_SHARED_CREDENTIALS_FILE=str(file)) == []
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").touch()
    assert backend_hints(tmp_path, OCI) == []


def test_pulumi_cloud_needs_a_token_or_a_login(tmp_path: Path) -> None:
    assert backend_hints(tmp_path, state.PULUMI_CLOUD) == ["pulumi login"]
    assert backend_hints(tmp_path, state.PULUMI_CLOUD, PULUMI_ACCESS_TOKEN="pul-canary") == []
    for folder, environment in [("other", {"PULUMI_HOME": str(tmp_path / "other")}), (".pulumi", {})]:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "credentials.json").touch()
        assert backend_hints(tmp_path, state.PULUMI_CLOUD, **environment) == []


def test_passphrase_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    environment = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    assert secrets_hints(LOCAL, environment) == [READ_PASSPHRASE]
    file.write_text("local\n")
    assert secrets_hints(LOCAL, environment) == []
    # An empty variable hides the file: so it is in the engine, and in a workflow without the secret.
    assert secrets_hints(LOCAL, {**environment, "PULUMI_CONFIG_PASSPHRASE": ""}) == [READ_PASSPHRASE]


CLOUD = {"PULUMI_BACKEND_URL": state.PULUMI_CLOUD}


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        pytest.param("", {}, [READ_PASSPHRASE], id="new stack"),
        pytest.param("secretsprovider: hashivault://key\nencryptedkey: a\n", {}, [], id="another provider"),
        pytest.param("", CLOUD, [], id="Pulumi Cloud encrypts"),
        pytest.param("encryptionsalt: v1:a:b\n", CLOUD, [READ_PASSPHRASE], id="a salt in Pulumi Cloud"),
        pytest.param("secretsprovider: passphrase\n", CLOUD, [READ_PASSPHRASE], id="a passphrase in Pulumi Cloud"),
    ],
)
def test_passphrase_is_needed_unless_something_else_encrypts(
    tmp_path: Path, text: str, environment: Mapping[str, str], expected: Sequence[str]
) -> None:
    file = tmp_path / "Pulumi.mine.yaml"
    if text:
        file.write_text(text)
    assert secrets_hints(file, environment) == expected
    assert secrets_hints(file, {**environment, **PASSPHRASE}) == []


@pytest.mark.parametrize("text", ["config: [", "- a\n"])
def test_invalid_stack_file_is_reported(tmp_path: Path, text: str) -> None:
    file = tmp_path / "Pulumi.mine.yaml"
    file.write_text(text)
    assert secrets_hints(file) == [f"git diff {file}"]


@pytest.mark.parametrize(
    ("variable", "local", "other"),
    [
        ("PULUMI_BACKEND_URL", "file://{folder}/.local/embedded/state", "file:///srv/state"),
        ("PULUMI_CONFIG_PASSPHRASE", "local", "canary"),
    ],
)
def test_other_stacks_may_not_use_the_variables_of_the_stack_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, local: str, other: str
) -> None:
    monkeypatch.chdir(tmp_path)
    terminal = Scripted()

    assert hints(state.local_stack_problems({variable: other})) == []
    with pytest.raises(UserError, match=f"hint: unset {variable}"):
        run_setup("oke", {variable: local.format(folder=tmp_path)}, terminal)
    assert terminal.text == ""
