"""A user's machine, and the outside services of a stack."""

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
from delivery.setup.session import Session
from tests.support import example, oci_api
from tests.support.commands import StandIn
from tests.support.github_api import REPOSITORY, TOKEN, GitHub
from tests.support.oci_api import Oracle
from tests.support.terminal import Scripted

COMPARTMENT = "ocid1.compartment.oc1..aaaacompartment"
PAGES = f"/repos/{REPOSITORY}"
OCI_SECRETS = [f"OCI_CLI_{name}" for name in ("USER", "TENANCY", "FINGERPRINT", "KEY_CONTENT")]
SECRETS = ["PULUMI_CONFIG_PASSPHRASE", *OCI_SECRETS, "DELIVERY_GITHUB_TOKEN"]
_VERSION = f"v{importlib.metadata.version('pulumi')}"


@dataclass
class Machine:
    folder: Path  # the user's home, and a clone of the project
    patch: pytest.MonkeyPatch
    oci: Oracle
    github: GitHub
    apis: Apis
    commands: dict[str, StandIn]

    @property
    def pulumi(self) -> StandIn:
        return self.commands["pulumi"]

    @property
    def docker(self) -> StandIn:
        return self.commands["docker"]

    def session(self, terminal: Scripted, **variables: str) -> Session:
        """Return a session of `setup`; variables: of the shell."""
        return Session("oke", {**os.environ, **variables}, terminal, self.apis)

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

    def failure(self, name: str) -> str:
        """Return the evidence of a check that must fail."""
        check = self.check(name)
        assert check.state == "failed"
        return check.evidence

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
def new_machine(folder: Path, patch: pytest.MonkeyPatch) -> Generator[Machine]:
    """A fresh clone, an OCI key and a Docker login; the outside services have nothing of the stack."""
    prefixes = ("OCI_", "PULUMI_", "AWS_", "GITHUB_", "GH_", "DOCKER_")
    for name in [name for name in os.environ if name.startswith(prefixes)]:
        patch.delenv(name)
    patch.chdir(folder)
    for name in ("Pulumi.yaml", "Pulumi.oke.yaml"):
        shutil.copy(example.PROJECT_FOLDER / name, folder)
    (folder / "infra").symlink_to(example.PROJECT_FOLDER / "infra")
    oci_api.write_config(folder)
    certificate = folder / "certificate.pem"
    oci_api.write_certificate(certificate)
    (folder / ".docker").mkdir()
    (folder / ".docker" / "config.json").write_text('{"credHelpers": {"ghcr.io": "pass"}}')
    patch.setenv("HOME", str(folder))
    patch.setenv("PULUMI_HOME", str(folder / ".pulumi"))  # the engine finds the user's home without HOME
    patch.setenv("SSL_CERT_FILE", str(certificate))
    patch.setenv("NO_PROXY", "127.0.0.1")
    (folder / "bin").mkdir()
    commands = {name: StandIn(name, folder / "bin", patch) for name in ("pulumi", "docker", "trivy", "gh")}
    commands["docker"].does("echo 29.0.0")
    commands["trivy"].does("echo Version: 0.75.0; echo Vulnerability DB:")
    oci, github = Oracle(certificate), GitHub(folder / "github")
    commands["gh"].does(github.command())
    clusters = f"/20180222/clusters?compartmentId={COMPARTMENT}"
    oci.documents = {"/n": "axns", clusters: [], **oci_api.free_tier(COMPARTMENT)}
    with oci.serve(), github.serve():
        yield Machine(folder, patch, oci, github, Apis(github.url, *oci.apis), commands)


@contextmanager
def complete_machine(folder: Path, patch: pytest.MonkeyPatch) -> Generator[Machine]:
    """A machine on which the stack has all that it needs, and no command beside the stand-ins."""
    with new_machine(folder, patch) as machine:
        for name in ("basename", "cat", "git", "mkdir", "sleep"):
            (folder / "bin" / name).symlink_to(shutil.which(name) or name)
        patch.setenv("PATH", str(folder / "bin"))
        patch.setenv("PULUMI_BACKEND_URL", "file:///state")
        patch.setenv("PULUMI_CONFIG_PASSPHRASE", "local")
        patch.setenv("GITHUB_TOKEN", TOKEN)
        (folder / "values.yaml").write_text("{}")
        shutil.copy(example.PROJECT_FOLDER / "Pulumi.local.yaml", folder / "Pulumi.oke.yaml")
        kept = machine.github.kept
        for environment in ("production", "preview"):
            (kept / environment).mkdir(parents=True)
            for name in SECRETS:
                (kept / environment / name).touch()
        (kept / "variables").mkdir()
        (kept / "variables" / "PULUMI_BACKEND_URL").write_text("file:///state")
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
