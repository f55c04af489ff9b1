"""`python -m delivery doctor`: all that a stack needs is looked at, and each problem comes with what mends it."""

import importlib.metadata
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest
import yaml

from delivery import report
from delivery.__main__ import main
from delivery.doctor import backend, checks, context, run, tools
from delivery.doctor.context import Apis
from delivery.doctor.requirements import ACCOUNTS, DELIVERY_TOKEN, OCI_KEY, backend_secrets
from tests.support import example, oci_api
from tests.support.commands import StandIn
from tests.support.github_api import REPOSITORY, TOKEN, GitHub
from tests.support.oci_api import Oracle

COMPARTMENT = "ocid1.compartment.oc1..aaaacompartment"
DOMAINS = oci_api.domains_of(COMPARTMENT)
CLUSTERS = f"/20180222/clusters?compartmentId={COMPARTMENT}"
PAGES = f"/repos/{REPOSITORY}"
VERSION = f"v{importlib.metadata.version('pulumi')}"
SECRETS = [
    "PULUMI_CONFIG_PASSPHRASE",
    "OCI_CLI_USER",
    "OCI_CLI_TENANCY",
    "OCI_CLI_FINGERPRINT",
    "OCI_CLI_KEY_CONTENT",
    "DELIVERY_GITHUB_TOKEN",
]
NO_ANSWER = "http://127.0.0.1:1"


@dataclass
class Place:
    """A machine on which a stack has all that it needs."""

    folder: Path
    patch: pytest.MonkeyPatch
    oci: Oracle
    github: GitHub
    apis: Apis
    pulumi: StandIn
    docker: StandIn

    def configure(self, **settings: str) -> None:
        """Lets `pulumi config` tell the example's settings, and these."""
        values = {**example.CONFIG, **settings}
        told = {
            f"todo-oke:{key}": {"value": value, "secret": key in {*example.SECRETS, "registryToken"}}
            for key, value in values.items()
        }
        (self.folder / "config.json").write_text(json.dumps(told))

    def look(self) -> dict[str, report.Check]:
        seen = context.situation("oke", os.environ, self.apis)
        return {check.name: check for check in checks.look(seen, checks.CHECKS)}

    def run(self) -> str:
        """Return what the command prints."""
        printed: list[str] = []
        run.run("oke", os.environ, printed.append, self.apis)
        return "\n".join(printed)

    def does(
        self, *, version: str = VERSION, stacks: str = '[{"name": "oke"}]', config: str = "cat config.json"
    ) -> None:
        self.pulumi.does(
            f"""case "$1 $2" in
            "version "*) echo {version} ;;
            "stack ls") echo '{stacks}' ;;
            "config --json") {config} ;;
            *) exit 1 ;;
            esac"""
        )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in [name for name in os.environ if name.startswith(("OCI_", "PULUMI_", "AWS_", "GITHUB_", "DOCKER_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    for name in ("Pulumi.yaml", "Pulumi.local.yaml"):
        shutil.copy(example.PROJECT_FOLDER / name, tmp_path)
    Path("Pulumi.local.yaml").rename("Pulumi.oke.yaml")
    Path("infra").symlink_to(example.PROJECT_FOLDER / "infra")
    Path("values.yaml").write_text("{}")
    oci_api.write_config(tmp_path)
    oci_api.write_certificate(tmp_path / "certificate.pem")
    Path(".docker").mkdir()
    Path(".docker/config.json").write_text('{"credHelpers": {"ghcr.io": "pass"}}')
    (tmp_path / "bin").mkdir()
    for name in ("cat", "git", "sleep"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name) or name)
    variables = {
        "HOME": str(tmp_path),
        "PATH": "",
        "NO_PROXY": "127.0.0.1",
        "SSL_CERT_FILE": str(tmp_path / "certificate.pem"),
        "PULUMI_BACKEND_URL": "file:///state",
        "PULUMI_CONFIG_PASSPHRASE": "local",
        "GITHUB_TOKEN": TOKEN,
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    commands = {name: StandIn(name, tmp_path / "bin", monkeypatch) for name in ("pulumi", "docker", "trivy")}
    commands["docker"].does("echo 29.0.0")
    commands["trivy"].does("echo Version: 0.75.0; echo Vulnerability DB:")
    oci, github = Oracle(tmp_path / "certificate.pem"), GitHub(tmp_path / "github")
    oci.documents = {"/n": "axns", CLUSTERS: [], **oci_api.free_tier(COMPARTMENT)}
    for environment in ("production", "preview"):
        (github.kept / environment).mkdir(parents=True)
        for name in SECRETS:
            (github.kept / environment / name).touch()
    (github.kept / "variables").mkdir()
    (github.kept / "variables" / "PULUMI_BACKEND_URL").write_text("file:///state")
    with oci.serve(), github.serve():
        apis = Apis(github.url, *oci.apis)
        place = Place(tmp_path, monkeypatch, oci, github, apis, commands["pulumi"], commands["docker"])
        place.does()
        place.configure(
            kubeconfig="",
            compartmentOcid=COMPARTMENT,
            region=oci_api.REGION,
            imageSource="build",
            imageRegistry="ghcr.io/octo",
            imageScan="HIGH",
            ingressController="true",
            registryToken="canary",
            registryUser="octo",
            repository=REPOSITORY,
        )
        yield place


def test_a_stack_that_has_all_it_needs_has_no_problem(place: Place) -> None:
    place.github.headers["github-authentication-token-expiration"] = "2027-01-01 00:00:00 UTC"

    table = place.run()

    lines = table.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["ok"] * len(checks.CHECKS)
    assert f"octocat reaches {REPOSITORY}, until 2027-01-01 00:00:00 UTC" in table
    assert "the tenancy's namespace is axns" in table
    assert "canary" not in table
    assert TOKEN not in str(place.pulumi.calls)


def test_what_a_stack_does_not_use_is_not_looked_at(place: Place) -> None:
    Path("kubeconfig").write_text(yaml.safe_dump(example.kubeconfig()))
    place.configure()
    place.patch.delenv("GITHUB_TOKEN")

    found = place.look()

    why = {name: check.evidence for name, check in found.items() if check.state == "not applicable"}
    assert why == {
        "docker": "imageSource is not build",
        "registry": "imageSource is not build",
        "trivy": "imageScan is not set",
        "OCI key": "neither clusterOcid nor compartmentOcid is set",
        "OCI access": "neither clusterOcid nor compartmentOcid is set",
        "OCI domains": "the stack makes no cluster",
        "OCI limits": "the stack makes no cluster",
        "GitHub token": "repository is not set",
        "GitHub variable": "repository is not set",
        "GitHub production": "repository is not set",
        "GitHub preview": "repository is not set",
    }
    assert {check.state for name, check in found.items() if name not in why} == {"passed"}


def remove(name: str) -> Callable[[Place], object]:
    return lambda _: Path(name).unlink()


def variable(name: str, value: str) -> Callable[[Place], object]:
    return lambda place: place.patch.setenv(name, value)


def setting(**settings: str) -> Callable[[Place], object]:
    def change(_: Place) -> None:
        told = json.loads(Path("config.json").read_text())
        for key, value in settings.items():
            told[f"todo-oke:{key}"]["value"] = value
        Path("config.json").write_text(json.dumps(told))

    return change


def github(path: str, status: HTTPStatus) -> Callable[[Place], object]:
    return lambda place: place.github.answers.update({path: (status, {"message": "canary"})})


def without_oci_documents(place: Place) -> None:
    place.oci.documents = {"/n": "axns"}


def limit(service: str, name: str, *values: int) -> Callable[[Place], object]:
    """Of each availability domain, or of the region."""
    entries = [{"name": name, "value": value} for value in values]
    return lambda place: place.oci.documents.update({oci_api.limits_of(service): entries})


def without_limits(place: Place) -> None:
    del place.oci.documents[oci_api.limits_of("vcn")]


def without_domains(place: Place) -> None:
    place.oci.documents[DOMAINS] = []


def another_key(_: Place) -> None:
    Path(".oci/key.pem").write_text(oci_api.pem(key=oci_api.generate_private_key(65537, 2048)))


@pytest.mark.parametrize(
    ("harm", "name", "sentence"),
    [
        (lambda place: place.does(version="v3.256.0"), "pulumi", "pulumi is v3.256.0, and the project's packages"),
        (
            variable("PULUMI_BACKEND_URL", "ftp://x"),
            "state",
            "PULUMI_BACKEND_URL (the place of the state) has a scheme",
        ),
        (
            lambda place: place.does(config="echo error: incorrect passphrase >&2; exit 255"),
            "passphrase",
            "The passphrase does not decrypt the secrets of Pulumi.oke.yaml",
        ),
        (variable("PULUMI_CONFIG_PASSPHRASE", ""), "passphrase", "The passphrase of the stack's secrets is not set"),
        (
            lambda place: place.does(stacks="[]"),
            "stack",
            "There is no stack oke.\n    python -m delivery setup --stack oke",
        ),
        (
            setting(kafkaBrokers=""),
            "settings",
            "kafkaBrokers is not set\n    pulumi config --stack oke set kafkaBrokers",
        ),
        (
            lambda place: place.does(config="echo error: no such stack >&2; exit 255"),
            "settings",
            "The settings of stack oke cannot be read: no such stack",
        ),
        (
            lambda place: place.docker.does('test "$1" = buildx && echo buildx'),
            "docker",
            "Docker is installed, and its engine does not answer.\n    docker info",
        ),
        (
            lambda place: place.docker.does('test "$1" = info'),
            "docker",
            "`docker buildx version` fails.\n    docker buildx version",
        ),
        (remove("bin/docker"), "docker", "docker is not on PATH; https://docs.docker.com"),
        (remove(".docker/config.json"), "registry", "Docker has no login for ghcr.io"),
        (remove("bin/trivy"), "trivy", "trivy is not on PATH; https://trivy.dev"),
        (remove(".oci/config"), "OCI key", "There is no file "),
        (another_key, "OCI key", "OCI rejected the credentials (401)"),
        (
            without_oci_documents,
            "OCI access",
            f"There is no {COMPARTMENT} in {oci_api.REGION}, or the user may not manage cluster-family there.\n    A",
        ),
        (
            without_oci_documents,
            "OCI domains",
            f"The user may not see the availability domains of {COMPARTMENT}, over which the nodes are spread.\n    A",
        ),
        (without_domains, "OCI domains", "The user may not see the availability domains of"),
        (
            limit("vcn", "nat-gateway-count", 0),
            "OCI limits",
            "The tenancy may have 0 of nat-gateway-count in OCI, and the stack needs 1.\n    https://",
        ),
        (
            limit("compute", "standard-a1-memory-count", 5, 6),
            "OCI limits",
            "The tenancy may have 11 of standard-a1-memory-count in OCI, and the stack needs 12.\n    https://",
        ),
        (variable("GITHUB_TOKEN", ""), "GitHub token", "There is no GITHUB_TOKEN, with which the stack keeps"),
        (
            variable("GITHUB_TOKEN", "canary"),
            "GitHub token",
            "GitHub does not know the token, or it has run out.\n    http",
        ),
        (variable("GITHUB_TOKEN", "canary…"), "GitHub token", "GitHub does not answer: the token is not ASCII"),
        (github(PAGES, HTTPStatus.NOT_FOUND), "GitHub token", f"GitHub has no repository {REPOSITORY}, or the token"),
        (
            github(PAGES, HTTPStatus.BAD_GATEWAY),
            "GitHub token",
            "GitHub answers 502.\n    https://www.githubstatus.com",
        ),
        (
            github(f"{PAGES}/actions/permissions", HTTPStatus.FORBIDDEN),
            "GitHub token",
            "The token of GitHub lacks the permission Administration, or its user is no administrator",
        ),
        (
            github(f"{PAGES}/environments", HTTPStatus.FORBIDDEN),
            "GitHub token",
            "The token of GitHub lacks the permission Actions",
        ),
        (
            lambda place: place.github.headers.update({"x-oauth-scopes": "public_repo, read:org"}),
            "GitHub token",
            "The token has the scopes public_repo, read:org, and not repo.",
        ),
        (
            github(f"{PAGES}/environments/preview/secrets", HTTPStatus.FORBIDDEN),
            "GitHub preview",
            "The token of GitHub lacks the permission Environments",
        ),
        (
            github(f"{PAGES}/environments/preview/secrets", HTTPStatus.NOT_FOUND),
            "GitHub preview",
            "GitHub lacks secrets that the workflows need in preview.\n"
            + "\n".join(f"    gh secret set {name} --env preview --repo {REPOSITORY}" for name in SECRETS),
        ),
        (
            remove("github/production/OCI_CLI_USER"),
            "GitHub production",
            "GitHub lacks secrets that the workflows need in production.\n"
            f"    gh secret set OCI_CLI_USER --env production --repo {REPOSITORY}",
        ),
        (
            github(f"{PAGES}/actions/variables/PULUMI_BACKEND_URL", HTTPStatus.FORBIDDEN),
            "GitHub variable",
            "The token of GitHub lacks the permission Variables",
        ),
        (
            github(f"{PAGES}/actions/variables/PULUMI_BACKEND_URL", HTTPStatus.NOT_FOUND),
            "GitHub variable",
            "The workflows do not know the backend, or know another.\n"
            f"    gh variable set PULUMI_BACKEND_URL --repo {REPOSITORY} --body 'file:///state'",
        ),
    ],
)
def test_a_problem_is_told_with_what_mends_it(
    place: Place, harm: Callable[[Place], object], name: str, sentence: str
) -> None:
    harm(place)

    check = place.look()[name]

    assert check.state == "failed", check
    assert check.evidence.startswith(sentence)
    assert any(remedy in check.evidence for remedy in ("\n    ", "\nhint: ", "https://")) or name == "settings"
    assert "canary" not in check.evidence


def test_what_is_limited_in_each_availability_domain_counts_in_all_of_them(place: Place) -> None:
    limit("compute", "standard-a1-core-count", 1, 1)(place)

    assert place.look()["OCI limits"].state == "passed"


def test_a_load_balancer_that_the_stack_does_not_make_needs_no_limit(place: Place) -> None:
    limit("load-balancer", "lb-flexible-count", 0)(place)
    assert place.look()["OCI limits"].state == "failed"

    setting(ingressController="false")(place)

    assert place.look()["OCI limits"].state == "passed"


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (without_domains, "The user may not see the availability domains of"),
        (without_limits, "the user may not inspect resource-availability in"),
        (setting(nodeCount="two"), "nodeCount is no number"),
    ],
)
def test_limits_that_are_not_to_be_seen_are_no_problem(place: Place, harm: Callable[[Place], object], why: str) -> None:
    harm(place)

    check = place.look()["OCI limits"]

    assert check.state == "not applicable"
    assert check.evidence.startswith(why)
    assert "\n" not in check.evidence


def test_nodes_without_a_token_for_the_registry_are_told(place: Place) -> None:
    assert "registryToken" not in place.look()["registry"].evidence

    setting(registryToken="")(place)

    assert "    pulumi config set --secret registryToken" in place.look()["registry"].evidence


def test_a_registry_to_which_the_workflows_do_not_log_in_is_told(place: Place) -> None:
    assert "workflows" not in place.look()["registry"].evidence
    Path(".docker/config.json").write_text('{"auths": {"fra.ocir.io": {}}}')

    setting(imageRegistry="fra.ocir.io/octo")(place)

    assert "the workflows are not: they log in to ghcr.io alone" in place.look()["registry"].evidence


def test_a_cluster_that_exists_is_asked_for_by_its_name(place: Place) -> None:
    place.configure(clusterOcid=oci_api.CLUSTER, region=oci_api.REGION, kubeconfig="")
    assert place.look()["OCI access"].evidence.startswith(
        f"There is no {oci_api.CLUSTER} in {oci_api.REGION}, or the user"
    )

    place.oci.documents[f"/20180222/clusters/{oci_api.CLUSTER}"] = {}

    assert place.look()["OCI access"].evidence == f"the user may see the cluster, in {oci_api.REGION}"


def test_services_that_do_not_answer_are_told(place: Place) -> None:
    place.apis = Apis(*[NO_ANSWER] * 5)

    found = place.look()

    assert found["OCI key"].evidence.startswith("OCI is unreachable at http://127.0.0.1:")
    assert found["GitHub token"].evidence.startswith("GitHub does not answer: ")


def test_the_page_of_a_proxy_is_no_answer(place: Place) -> None:
    place.github.answers["/user"] = (HTTPStatus.OK, b"<html>")

    assert place.look()["GitHub token"].evidence.startswith("What answers at 127.0.0.1 is not 127.0.0.1, but a proxy")


def test_an_app_is_a_user_of_github_too(place: Place) -> None:
    place.github.answers["/user"] = (HTTPStatus.FORBIDDEN, {})

    assert place.look()["GitHub token"].evidence == f"an app reaches {REPOSITORY}"


def test_a_password_in_the_backends_url_is_not_shown(place: Place) -> None:
    place.patch.setenv("PULUMI_BACKEND_URL", "postgres://me:canary@db.example.com/state")

    table = report.plain([*place.look().values()])

    assert "kept at postgres://me:…@db.example.com/state" in table
    assert "--body 'postgres://me:…@db.example.com/state'" in table
    assert "canary" not in table


def test_the_backend_of_pulumi_login_is_found(place: Place) -> None:
    place.patch.delenv("PULUMI_BACKEND_URL")
    assert place.look()["state"].evidence.startswith("PULUMI_BACKEND_URL (the place of the state) is not set.")
    Path(".pulumi").mkdir()
    Path(".pulumi/credentials.json").write_text('{"current": "file:///state"}')

    found = place.look()

    assert found["state"].evidence == "kept at file:///state"
    assert found["GitHub variable"].state == "passed"


def test_a_tool_of_make_tools_is_found_without_a_path(place: Place) -> None:
    Path(".tools/bin").mkdir(parents=True)
    Path("bin/pulumi").rename(".tools/bin/pulumi")

    assert place.look()["pulumi"].state == "passed"


def test_a_tool_that_hangs_holds_up_no_other_check(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for asking in (context, backend, tools):
        monkeypatch.setattr(asking, "SECONDS", 0.5)
    for stand_in in (place.pulumi, place.docker):
        stand_in.does("exec sleep 30")
    begun = time.monotonic()

    found = place.look()

    assert time.monotonic() - begun < 5
    assert found["docker"].state == "not applicable"  # for what the settings are is not known
    assert found["pulumi"].evidence == "`pulumi version` timed out after 0.5 seconds."
    assert found["git"].state == "passed"


def test_the_exit_status_tells_of_problems(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    Path("kubeconfig").write_text(yaml.safe_dump(example.kubeconfig()))
    place.configure()
    assert main(["doctor"]) == 0
    assert capsys.readouterr().err == ""
    place.does(stacks="[]")

    assert main(["doctor", "--stack", "octo/other"]) == 1

    printed = capsys.readouterr()
    assert "FAILED stack" in printed.out
    assert "checks failed: stack\nhint: python -m delivery setup --stack octo/other" in printed.err


@pytest.mark.usefixtures("place")
def test_elsewhere_than_in_the_project_it_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("Pulumi.yaml").unlink()

    assert main(["doctor"]) == 1

    assert capsys.readouterr().err.endswith("hint: cd PROJECT\n")


def test_without_a_token_one_check_tells_for_all(place: Place) -> None:
    place.patch.delenv("GITHUB_TOKEN")

    assert {check.name: check.evidence for check in place.look().values() if check.state == "not applicable"} == {
        "GitHub variable": "there is no GITHUB_TOKEN",
        "GitHub production": "there is no GITHUB_TOKEN",
        "GitHub preview": "there is no GITHUB_TOKEN",
    }


def test_the_region_of_the_settings_is_enough(place: Place) -> None:
    config = Path(".oci/config")
    config.write_text(config.read_text().replace(f"region={oci_api.REGION}\n", ""))

    assert place.look()["OCI key"].state == "passed"


def test_the_workflows_read_the_secrets_that_are_looked_for() -> None:
    workflows = [file.read_text() for file in (example.PROJECT_FOLDER / ".github" / "workflows").glob("*.yml")]
    read = set(re.findall(r"secrets\.(\w+)", "".join(workflows)))

    assert read - {"SLACK_WEBHOOK_URL"} == {
        *backend_secrets("s3"),
        *backend_secrets("https"),
        *OCI_KEY,
        DELIVERY_TOKEN,
    }


def test_each_account_belongs_to_a_setting_or_a_variable() -> None:
    declared: Mapping[str, object] = example.DECLARED

    assert {key for key in ACCOUNTS if not key.isupper()} <= declared.keys()
    assert {key for key in example.SECRETS if key not in ACCOUNTS} == set()
