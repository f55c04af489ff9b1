"""A machine on which a stack has all that it needs, until a test breaks something."""

import importlib.metadata
import json
import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import pytest

from delivery.doctor import checks, run
from delivery.doctor.context import TIMEOUT_SECONDS, Apis, load_context
from delivery.report import Check
from tests.support import example, oci_api
from tests.support.commands import StandIn
from tests.support.github_api import REPOSITORY, TOKEN, GitHub
from tests.support.oci_api import Oracle

COMPARTMENT = "ocid1.compartment.oc1..aaaacompartment"
PAGES = f"/repos/{REPOSITORY}"
SECRETS = [
    "PULUMI_CONFIG_PASSPHRASE",
    "OCI_CLI_USER",
    "OCI_CLI_TENANCY",
    "OCI_CLI_FINGERPRINT",
    "OCI_CLI_KEY_CONTENT",
    "DELIVERY_GITHUB_TOKEN",
]
_VERSION = f"v{importlib.metadata.version('pulumi')}"


@dataclass
class Machine:
    folder: Path  # the user's home, and a clone of the project
    patch: pytest.MonkeyPatch
    oci: Oracle
    github: GitHub
    apis: Apis
    pulumi: StandIn
    docker: StandIn

    def configure(self, **settings: str) -> None:
        """Set the example's settings, and these."""
        values = {**example.CONFIG, **settings}
        config = {
            f"todo-oke:{key}": {"value": value, "secret": key in {*example.SECRETS, "registryToken"}}
            for key, value in values.items()
        }
        (self.folder / "config.json").write_text(json.dumps(config))

    def set(self, **settings: str) -> None:
        """Change some settings only."""
        file = self.folder / "config.json"
        config = json.loads(file.read_text())
        for key, value in settings.items():
            config[f"todo-oke:{key}"]["value"] = value
        file.write_text(json.dumps(config))

    def check(self, name: str) -> Check:
        return self.checks(name)[name]

    def checks(self, *names: str, timeout: float = TIMEOUT_SECONDS) -> dict[str, Check]:
        context = load_context("oke", os.environ, self.apis, timeout)
        return {check.name: check for check in checks.run_checks(context, names or checks.CHECKS)}

    def doctor(self) -> str:
        """Return what the command prints."""
        printed: list[str] = []
        run.run("oke", os.environ, printed.append, self.apis)
        return "\n".join(printed)

    def engine(
        self, *, version: str = _VERSION, stacks: str = '[{"name": "oke"}]', config: str = "cat config.json"
    ) -> None:
        """Let `pulumi` answer so; config: a shell command."""
        self.pulumi.does(
            f"""case "$1 $2" in
            "version "*) echo {version} ;;
            "stack ls") echo '{stacks}' ;;
            "config --json") {config} ;;
            *) exit 1 ;;
            esac"""
        )


Fault = Callable[[Machine], object]


def variable(name: str, value: str) -> Fault:
    return lambda machine: machine.patch.setenv(name, value)


def setting(**settings: str) -> Fault:
    return lambda machine: machine.set(**settings)


def removed(name: str) -> Fault:
    return lambda machine: (machine.folder / name).unlink()


def github_status(path: str, status: HTTPStatus) -> Fault:
    return lambda machine: machine.github.answers.update({path: (status, {"message": "canary"})})


@contextmanager
def complete_machine(folder: Path, patch: pytest.MonkeyPatch) -> Generator[Machine]:
    for name in [name for name in os.environ if name.startswith(("OCI_", "PULUMI_", "AWS_", "GITHUB_", "DOCKER_"))]:
        patch.delenv(name)
    patch.chdir(folder)
    shutil.copy(example.PROJECT_FOLDER / "Pulumi.yaml", folder)
    shutil.copy(example.PROJECT_FOLDER / "Pulumi.local.yaml", folder / "Pulumi.oke.yaml")
    (folder / "infra").symlink_to(example.PROJECT_FOLDER / "infra")
    (folder / "values.yaml").write_text("{}")
    oci_api.write_config(folder)
    oci_api.write_certificate(folder / "certificate.pem")
    (folder / ".docker").mkdir()
    (folder / ".docker" / "config.json").write_text('{"credHelpers": {"ghcr.io": "pass"}}')
    (folder / "bin").mkdir()
    for name in ("cat", "git", "sleep"):
        (folder / "bin" / name).symlink_to(shutil.which(name) or name)
    variables = {
        "HOME": str(folder),
        "PATH": "",
        "NO_PROXY": "127.0.0.1",
        "SSL_CERT_FILE": str(folder / "certificate.pem"),
        "PULUMI_BACKEND_URL": "file:///state",
        "PULUMI_CONFIG_PASSPHRASE": "local",
        "GITHUB_TOKEN": TOKEN,
    }
    for name, value in variables.items():
        patch.setenv(name, value)
    commands = {name: StandIn(name, folder / "bin", patch) for name in ("pulumi", "docker", "trivy")}
    commands["docker"].does("echo 29.0.0")
    commands["trivy"].does("echo Version: 0.75.0; echo Vulnerability DB:")
    oci, github = Oracle(folder / "certificate.pem"), GitHub(folder / "github")
    clusters = f"/20180222/clusters?compartmentId={COMPARTMENT}"
    oci.documents = {"/n": "axns", clusters: [], **oci_api.free_tier(COMPARTMENT)}
    for environment in ("production", "preview"):
        (github.kept / environment).mkdir(parents=True)
        for name in SECRETS:
            (github.kept / environment / name).touch()
    (github.kept / "variables").mkdir()
    (github.kept / "variables" / "PULUMI_BACKEND_URL").write_text("file:///state")
    with oci.serve(), github.serve():
        machine = Machine(
            folder, patch, oci, github, Apis(github.url, *oci.apis), commands["pulumi"], commands["docker"]
        )
        machine.engine()
        machine.configure(
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
        yield machine
