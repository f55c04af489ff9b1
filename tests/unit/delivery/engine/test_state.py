"""What keeps the engine from a stack's state, or from its secrets."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from delivery.engine import state
from delivery.setup.run import run_setup
from system.errors import UserError
from tests.support import example

LOCAL = example.PROJECT_FOLDER / "Pulumi.local.yaml"
PASSPHRASE = {"PULUMI_CONFIG_PASSPHRASE": "local"}
KEYS = {"AWS_ACCESS_KEY_ID": "0123abcd", "AWS_SECRET_ACCESS_KEY": "canary-secret-key"}
ENDPOINT = "https://axns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com"
OWN_DOMAIN = "https://axns.compat.objectstorage.eu-frankfurt-1.oci.customer-oci.com"
OCI = f"s3://todo-state?endpoint={ENDPOINT}&region=eu-frankfurt-1&s3ForcePathStyle=true"


class Silent:
    """A terminal on which nothing is to be asked."""

    def ask(self, question: str) -> str:
        pytest.fail(question)

    ask_unseen = ask

    def say(self, text: str) -> None:
        pytest.fail(text)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The user's home, with nothing in it."""
    return tmp_path


def backend_problems(home: Path, url: str, **environment: str) -> list[str]:
    """Those of a backend, for a new stack."""
    environment = {"HOME": str(home), "PULUMI_BACKEND_URL": url, **PASSPHRASE, **environment}
    return state.check(environment, home / "Pulumi.new.yaml")


def secrets_problems(stack_file: Path, environment: Mapping[str, str] = PASSPHRASE) -> list[str]:
    """Those of a stack's secrets, in a backend that has none."""
    return state.check({"PULUMI_BACKEND_URL": "file:///state", **environment}, stack_file)


def stack_file(folder: Path, text: str) -> Path:
    path = folder / "Pulumi.mine.yaml"
    path.write_text(text)
    return path


def test_the_url_of_a_bucket_has_what_oci_needs(home: Path) -> None:
    assert state.object_storage_url("axns", "eu-frankfurt-1", "todo-state") == OCI
    assert backend_problems(home, OCI, **KEYS) == []


@pytest.mark.parametrize(
    ("namespace", "region", "bucket", "told"),
    [
        ("", "eu-frankfurt-1", "b", "'' is no Object Storage namespace"),
        ("ax/ns", "eu-frankfurt-1", "b", "oci os ns get"),
        ("axns", "FRA", "b", "'FRA' is not an OCI region"),
        ("axns", "eu-frankfurt-1", "a&b", "'a&b' is no bucket's name"),
        ("axns", "eu-frankfurt-1", "", "'' is no bucket's name"),
        ("axns", "eu-frankfurt-1", "bücket", "'bücket' is no bucket's name"),
    ],
)
def test_what_is_no_bucket_is_told(namespace: str, region: str, bucket: str, told: str) -> None:
    with pytest.raises(UserError, match=told):
        state.object_storage_url(namespace, region, bucket)


@pytest.mark.parametrize(
    "url",
    [
        OCI.replace(ENDPOINT, OWN_DOMAIN),
        OCI.replace("s3ForcePathStyle", "use_path_style"),
        OCI.replace("https://", ""),  # which the engine adds
        "s3://amazons-bucket",  # AWS has roles
        "s3://bucket?endpoint=https://minio.example.com",
        "file:///home/user/state",
        "azblob://container",
        "gs://bucket",
    ],
)
def test_a_backend_that_lacks_nothing(home: Path, url: str) -> None:
    assert backend_problems(home, url, **(KEYS if "endpoint" in url else {})) == []


@pytest.mark.parametrize(
    "left_out",
    ["&s3ForcePathStyle=true", "&region=eu-frankfurt-1", "&region=eu-frankfurt-1&s3ForcePathStyle=true"],
)
def test_a_url_that_lacks_what_oci_needs_is_told_with_the_whole_one(home: Path, left_out: str) -> None:
    (problem,) = backend_problems(home, OCI.replace(left_out, ""), **KEYS)
    assert "lacks what OCI needs" in problem
    assert f"export PULUMI_BACKEND_URL='{OCI}'" in problem


def test_an_endpoint_without_a_scheme_is_checked_too(home: Path) -> None:
    (problem,) = backend_problems(home, f"s3://todo-state?endpoint={ENDPOINT.removeprefix('https://')}", **KEYS)
    assert f"'{OCI}'" in problem


def test_the_region_is_the_endpoints(home: Path) -> None:
    (problem,) = backend_problems(home, OCI.replace("region=eu-frankfurt-1", "region=us-east-1"), **KEYS)
    assert f"'{OCI}'" in problem


def test_the_folder_in_the_bucket_is_kept(home: Path) -> None:
    url = f"s3://todo-state/prod?endpoint={OWN_DOMAIN}"
    (problem,) = backend_problems(home, url, **KEYS)
    assert f"'{url}&region=eu-frankfurt-1&s3ForcePathStyle=true'" in problem


@pytest.mark.parametrize("host", ["objectstorage.eu-frankfurt-1.oraclecloud.com", "axns.oci.customer-oci.com"])
def test_an_address_of_oci_that_is_not_of_its_s3_api(home: Path, host: str) -> None:
    (problem,) = backend_problems(home, OCI.replace(ENDPOINT, f"https://{host}"), **KEYS)
    assert f"{host} is not the address of OCI's S3 API" in problem


def test_checksums_that_oci_refuses(home: Path) -> None:
    asked = {"AWS_REQUEST_CHECKSUM_CALCULATION": "WHEN_SUPPORTED"}
    (problem,) = backend_problems(home, OCI, **KEYS, **asked)
    assert "unset AWS_REQUEST_CHECKSUM_CALCULATION" in problem
    assert backend_problems(home, f"{OCI}&request_checksum_calculation=when_supported", **KEYS) == [problem]
    assert backend_problems(home, f"{OCI}&request_checksum_calculation=when_required", **KEYS, **asked) == []
    assert backend_problems(home, "s3://bucket?endpoint=https://minio.example.com", **KEYS, **asked) == []


@pytest.mark.parametrize(
    ("url", "told"), [("", "is not set"), ("swift://u:canary@b", "of no kind"), ("/state", "kind")]
)
def test_no_backend_and_none_that_is_known(home: Path, url: str, told: str) -> None:
    (problem,) = backend_problems(home, url)
    assert told in problem
    assert "export PULUMI_BACKEND_URL=https://api.pulumi.com" in problem
    assert "canary" not in problem


def test_the_key_of_a_bucket_is_there_whole(home: Path) -> None:
    (both,) = backend_problems(home, OCI)
    assert "no AWS_ACCESS_KEY_ID and no AWS_SECRET_ACCESS_KEY" in both
    (half,) = backend_problems(home, OCI, AWS_SECRET_ACCESS_KEY="canary-secret-key", AWS_PROFILE="oci")
    assert "There is no AWS_ACCESS_KEY_ID for" in half
    assert "canary" not in half
    (half,) = backend_problems(home, "s3://amazons-bucket", AWS_ACCESS_KEY_ID="0123abcd")
    assert "There is no AWS_SECRET_ACCESS_KEY for" in half


def test_the_key_of_a_bucket_may_be_a_profiles(home: Path) -> None:
    assert backend_problems(home, OCI, AWS_PROFILE="oci") == []
    assert backend_problems(home, f"{OCI}&profile=oci") == []
    elsewhere = home / "credentials"
    assert len(backend_problems(home, OCI, AWS_SHARED_CREDENTIALS_FILE=str(elsewhere))) == 1
    elsewhere.touch()
    assert backend_problems(home, OCI, AWS_SHARED_CREDENTIALS_FILE=str(elsewhere)) == []
    (home / ".aws").mkdir()
    (home / ".aws" / "credentials").touch()
    assert backend_problems(home, OCI) == []


def test_pulumi_cloud_needs_a_token_or_a_login(home: Path) -> None:
    (problem,) = backend_problems(home, state.PULUMI_CLOUD)
    assert "There is no access token for Pulumi Cloud" in problem
    assert backend_problems(home, state.PULUMI_CLOUD, PULUMI_ACCESS_TOKEN="pul-canary") == []
    other = home / "other"
    other.mkdir()
    (other / "credentials.json").touch()
    assert backend_problems(home, state.PULUMI_CLOUD, PULUMI_HOME=str(other)) == []
    (home / ".pulumi").mkdir()
    (home / ".pulumi" / "credentials.json").touch()
    assert backend_problems(home, state.PULUMI_CLOUD) == []


def test_a_passphrase_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    named = {"PULUMI_CONFIG_PASSPHRASE_FILE": str(file)}
    (problem,) = secrets_problems(LOCAL, named)
    assert f"{file}, cannot be read" in problem
    file.write_text("local\n")
    assert secrets_problems(LOCAL, named) == []
    # As the engine does it, and as a workflow has it whose secret is not there.
    (problem,) = secrets_problems(LOCAL, {**named, "PULUMI_CONFIG_PASSPHRASE": ""})
    assert "There is no passphrase for the secrets of the stack, or it is empty" in problem


@pytest.mark.parametrize("text", ["", "config:\n  todo-oke:host: todo.example.com\n", "secretsprovider: passphrase\n"])
def test_a_stack_without_secrets_needs_a_passphrase_too(tmp_path: Path, text: str) -> None:
    new = stack_file(tmp_path, text)
    if not text:
        new.unlink()
    assert "There is no passphrase" in secrets_problems(new, {})[0]
    assert secrets_problems(new) == []


def test_another_secrets_provider_needs_none(tmp_path: Path) -> None:
    assert secrets_problems(stack_file(tmp_path, "secretsprovider: hashivault://key\nencryptedkey: a\n"), {}) == []


def test_pulumi_cloud_encrypts_by_itself_unless_the_stack_has_a_salt(tmp_path: Path) -> None:
    cloud = {"PULUMI_BACKEND_URL": state.PULUMI_CLOUD, "PULUMI_ACCESS_TOKEN": "pul-canary"}
    assert state.check(cloud, tmp_path / "Pulumi.new.yaml") == []
    assert "There is no passphrase" in state.check(cloud, LOCAL)[0]
    assert "no passphrase" in state.check(cloud, stack_file(tmp_path, "secretsprovider: passphrase\n"))[0]


@pytest.mark.parametrize("text", ["config: [", "- a\n"])
def test_a_damaged_file_is_told(tmp_path: Path, text: str) -> None:
    file = stack_file(tmp_path, text)
    (problem,) = secrets_problems(file)
    assert f"git checkout {file}" in problem


def test_all_problems_are_told_at_once(home: Path) -> None:
    assert len(state.check({"HOME": str(home), "PULUMI_BACKEND_URL": OCI.partition("&")[0]}, LOCAL)) == 3


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"PULUMI_BACKEND_URL": "file://{folder}/.local/embedded/state"}, ["which `make down` deletes"]),
        ({"PULUMI_CONFIG_PASSPHRASE": "local"}, ["which everybody knows"]),
        ({"PULUMI_BACKEND_URL": "file:///srv/state", "PULUMI_CONFIG_PASSPHRASE": "canary"}, []),
    ],
)
def test_no_other_stack_is_set_up_in_the_shell_of_the_stack_local(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], told: Sequence[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = {name: value.format(folder=tmp_path) for name, value in variables.items()}

    problems = state.demonstration_problems(environment)

    assert [problem.partition("\n")[0].partition(", ")[2].rstrip(".") for problem in problems] == told
    assert all(f"\n    unset {name}" in problem for problem, name in zip(problems, variables, strict=False))
    if problems:
        with pytest.raises(UserError, match="unset"):
            run_setup("oke", environment, Silent())
