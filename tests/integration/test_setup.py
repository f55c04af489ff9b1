"""`python -m delivery setup`: from nothing to a stack that the program takes, by the real engine."""

import os
import pty
import re
import select
import shlex
import shutil
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from delivery.__main__ import main
from delivery.doctor.context import Apis
from delivery.doctor.requirements import REQUIREMENTS
from delivery.engine import stack_config
from delivery.setup.run import run_setup
from delivery.setup.session import Session
from delivery.setup.settings import set_settings
from settings import model
from system import process
from system.errors import UserError
from tests.support import example, oci_api
from tests.support.commands import StandIn
from tests.support.github_api import REPOSITORY, TOKEN, GitHub
from tests.support.machine import COMPARTMENT, new_machine
from tests.support.terminal import Scripted

TOOLS = example.PROJECT_FOLDER / ".tools" / "bin"
NAMES = {"imageRegistry": "ghcr.io/octo", "kafkaBrokers": "broker.example.com:9092", "repository": REPOSITORY}
# What the user of a walk gets wrong at first, with a canary in what was typed unseen.
MISTYPED: Mapping[str, Sequence[str]] = {
    "region": ["", "Frankfurt"],
    "kafkaBrokers": ["", "broker"],
    "betterAuthSecret": ["canary-short"],
    "databaseUrl": ["", "mysql://canary"],
}
PLAIN = {"compartmentOcid": COMPARTMENT, "region": oci_api.REGION, **NAMES}


# What the clone's Pulumi.oke.yaml has from the beginning.
SHIPPED = ("imageSource", "imageScan", "ingressController")


@dataclass
class Place:
    """A clone with nothing set, a user with an OCI key, and the outside services."""

    folder: Path
    apis: Apis
    github: GitHub
    environment: dict[str, str]
    commands: dict[str, StandIn]

    @property
    def passphrase(self) -> Path:
        return self.folder / "keys" / "passphrase"

    @property
    def settings_file(self) -> Path:
        return self.folder / "Pulumi.oke.yaml"

    def environments(self, command: str) -> str:
        """The variables with which a command ran."""
        return (self.folder / f"{command}.environment").read_text()

    def set_up(self, terminal: Scripted, **variables: str) -> None:
        run_setup("oke", {**self.environment, **variables}, terminal, self.apis)

    def walk(self, stops_at: str = "nothing") -> Scripted:
        """All answers of a new user, some of them wrong at first."""
        return Scripted(
            {
                "oci, cloud, or a URL": [f"file://{self.folder}/state"],
                "File ": [str(self.passphrase)],
                "A setting to change": ["nodeCount", "nodes", ""],
                "nodeCount": ["0", "1"],
                "Write ": ["y"],
                "\nWrite ": ["y"],
                **{key: [*MISTYPED.get(key, ()), value] for key, value in PLAIN.items()},
            },
            {
                **{key: [*MISTYPED.get(key, ()), value] for key, value in example.SECRETS.items()},
                "GITHUB_TOKEN": ["", TOKEN],
            },
            stops_at,
        )


@contextmanager
def new_place(folder: Path) -> Generator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(TOOLS), prepend=":")
        pulumi = shutil.which("pulumi") or "pulumi"
        with new_machine(folder, patch) as machine:
            (folder / "state").mkdir()
            scripts = {
                "pulumi": f'exec {shlex.quote(pulumi)} "$@"',
                "docker": "echo 29.0.0",
                "trivy": "echo 0.75.0",
                "gh": machine.github.command(),
            }
            for name, script in scripts.items():
                machine.commands[name].does(f"env >> {folder}/{name}.environment\n{script}")
            yield Place(folder, machine.apis, machine.github, dict(os.environ), machine.commands)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with new_place(tmp_path) as place:
        yield place


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Place, Scripted]]:
    """A place after a whole walk, and the conversation."""
    with new_place(tmp_path_factory.mktemp("done")) as place:
        terminal = place.walk()
        place.set_up(terminal)
        yield place, terminal


def secrets_of(place: Place) -> list[str]:
    return [*example.SECRETS.values(), TOKEN, place.passphrase.read_text().strip(), oci_api.pem().splitlines()[1]]


def test_answers_become_settings_that_the_program_accepts(done: tuple[Place, Scripted]) -> None:
    place, terminal = done
    environment = {**place.environment, "PULUMI_CONFIG_PASSPHRASE_FILE": str(place.passphrase)}

    stored = stack_config.load("oke", environment)
    parsed = model.parse(stored.values, stored.encrypted, "oke")

    assert parsed.compartment_ocid == COMPARTMENT
    assert parsed.image_source == "build"
    assert parsed.node_count == 1
    assert parsed.kafka_brokers == ("broker.example.com:9092",)
    assert {key: stored.values[key] for key in example.SECRETS} == example.SECRETS
    assert set(yaml.safe_load(place.settings_file.read_text())["config"]) == {
        f"todo-oke:{key}" for key in [*PLAIN, *example.SECRETS, *SHIPPED, "nodeCount"]
    }
    assert "complete, 5 encrypted" in terminal.text
    assert "pulumi preview --stack oke" in terminal.said[-1]
    assert f"export PULUMI_CONFIG_PASSPHRASE_FILE='{place.passphrase}'" in terminal.text
    assert "read -rs GITHUB_TOKEN && export GITHUB_TOKEN" in terminal.text


def test_every_credential_is_explained(done: tuple[Place, Scripted]) -> None:
    _, terminal = done

    for key in [*example.SECRETS, "registryToken", "GITHUB_TOKEN", "letsEncryptEmail", "PULUMI_CONFIG_PASSPHRASE"]:
        assert str(REQUIREMENTS[key]) in terminal.text


def test_each_missing_setting_is_asked_for_until_it_is_valid(done: tuple[Place, Scripted]) -> None:
    _, terminal = done

    for key, declared in example.DECLARED.items():
        asked = [question for question in terminal.questions if question.rstrip(":").split(" ")[0] == key]
        has_value = key in SHIPPED or declared["default"]
        times = 2 if key == "nodeCount" else 0 if has_value else 1 + len(MISTYPED.get(key, ()))
        assert len(asked) == times, key
        assert declared["description"] in terminal.text


def test_no_secret_is_shown_or_stored_in_plain_text(done: tuple[Place, Scripted]) -> None:
    place, terminal = done
    arguments = str([stand_in.calls for stand_in in place.commands.values()])
    meant = {place.passphrase, place.folder / ".oci" / "key.pem", place.folder / "certificate.pem"}
    written = [
        file
        for file in place.folder.rglob("*")
        if file.is_file() and file not in meant and place.github.kept not in file.parents
    ]

    assert place.settings_file in written
    for secret in secrets_of(place):
        assert secret not in terminal.text
        assert secret not in arguments
        for file in written:
            assert secret.encode() not in file.read_bytes(), file


def test_no_command_gets_the_secrets_of_another(done: tuple[Place, Scripted]) -> None:
    place, _ = done

    for name in place.commands:
        assert TOKEN not in place.environments(name)
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in place.environments("pulumi")


def test_generated_passphrase_is_random_and_private(done: tuple[Place, Scripted]) -> None:
    place, _ = done

    assert re.fullmatch(r"[\w-]{43}\n", place.passphrase.read_text())
    assert place.passphrase.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in place.passphrase.parent.iterdir()] == ["passphrase"]


def test_workflows_get_their_secrets_and_the_backend(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    kept = place.github.kept
    expected = {
        "PULUMI_CONFIG_PASSPHRASE": place.passphrase.read_text().strip(),
        "OCI_CLI_USER": oci_api.USER,
        "OCI_CLI_TENANCY": oci_api.TENANCY,
        "OCI_CLI_FINGERPRINT": oci_api.FINGERPRINT,
        "OCI_CLI_KEY_CONTENT": oci_api.pem().removesuffix("OCI_API_KEY\n"),
        "DELIVERY_GITHUB_TOKEN": TOKEN,
    }

    for environment in ("production", "preview"):
        assert {file.name: file.read_text() for file in (kept / environment).iterdir()} == expected
    assert (kept / "variables" / "PULUMI_BACKEND_URL").read_text() == f"file://{place.folder}/state"


def test_second_run_asks_and_writes_nothing(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    before = place.settings_file.read_bytes()
    calls = len(place.commands["pulumi"].calls)
    terminal = Scripted({}, {})

    place.set_up(terminal, PULUMI_CONFIG_PASSPHRASE_FILE=str(place.passphrase), GITHUB_TOKEN=TOKEN)

    assert terminal.questions == []
    assert place.settings_file.read_bytes() == before
    assert {tuple(call[:2]) for call in place.commands["pulumi"].calls[calls:]} <= {
        ("version",),
        ("stack", "ls"),
        ("config", "--json"),
    }


def test_invalid_answer_is_reported_and_not_stored(done: tuple[Place, Scripted]) -> None:
    place, terminal = done

    for sentence in (
        "'nodes' is not one of these.",
        "It must be a whole number between 1 and 10, not '0'.",
        "It is not set.",
        "It must be an OCI region like eu-frankfurt-1, not 'Frankfurt'.",
        "It must be host:port, not 'broker'.",
        "It must have at least 32 characters.",
        "It must be a PostgreSQL URL, postgresql://user:password@host/database.",
    ):
        assert sentence in terminal.said
    assert "canary" not in terminal.text
    assert "Frankfurt" not in place.settings_file.read_text()


def test_stopped_run_continues(place: Place) -> None:
    stopped_at = ["File ", "kafkaUsername:", "\nWrite the variable"]
    for question in stopped_at:
        with pytest.raises(UserError) as stopped:
            place.set_up(place.walk(stops_at=question))
        assert stopped.value.hint == "python -m delivery setup --stack oke"
    terminal = place.walk()

    place.set_up(terminal)

    assert terminal.questions == [
        "File with the passphrase of Pulumi.oke.yaml (Enter to type it):",
        "GITHUB_TOKEN:",
        "GITHUB_TOKEN:",
        "\nWrite the variable PULUMI_BACKEND_URL to octo/todo, so that the workflows can deploy? [y/N]",
    ]
    assert "pulumi preview --stack oke" in terminal.said[-1]


def test_plain_secret_and_invalid_setting_are_asked_for_again(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    environment = {**place.environment, "PULUMI_CONFIG_PASSPHRASE_FILE": str(place.passphrase)}
    kept = yaml.safe_load(place.settings_file.read_text())
    kept["config"] |= {"todo-oke:kafkaUsername": "canary-plain", "todo-oke:nodeCount": "many", "todo-oke:colour": "red"}
    file = place.folder / "Pulumi.two.yaml"
    file.write_text(yaml.safe_dump(kept))
    process.run(["pulumi", "stack", "init", "two"], environment)
    terminal = Scripted({}, {"kafkaUsername": [example.SECRETS["kafkaUsername"]]})
    session = Session("two", environment, terminal, place.apis)

    with pytest.raises(UserError, match="colour is not a setting"):
        set_settings(session)

    assert [key for key in example.SECRETS if f"{key}:" in terminal.questions] == ["kafkaUsername"]
    assert "nodeCount: [2]:" not in terminal.questions
    assert "It is stored in plain text, not encrypted." in terminal.said
    assert "It must be a whole number between 1 and 10, not 'many'." in terminal.said
    assert "canary" not in terminal.text
    assert "canary" not in file.read_text()
    assert "nodeCount" not in file.read_text()


def test_failed_checks_run_again(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    before = place.settings_file.read_text()
    # Meanwhile the user starts Docker, and changes a setting.
    place.commands["docker"].does(
        "test -e repaired || { touch repaired; sed -i /imageScan/d Pulumi.oke.yaml; exit 1; }"
    )
    terminal = Scripted({}, {})

    place.set_up(terminal, PULUMI_CONFIG_PASSPHRASE_FILE=str(place.passphrase), GITHUB_TOKEN=TOKEN)

    place.settings_file.write_text(before)
    assert terminal.questions == ["Enter to check again, s to skip:"]
    assert "hint: docker buildx version" in terminal.text
    assert "n/a    trivy         imageScan is not set" in terminal.text


def test_failed_checks_can_be_skipped(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    place.commands["docker"].does("exit 1")
    terminal = Scripted({"Enter to check again": ["", "s"]}, {})

    place.set_up(terminal, PULUMI_CONFIG_PASSPHRASE_FILE=str(place.passphrase), GITHUB_TOKEN=TOKEN)

    assert len(terminal.questions) == 2
    assert "pulumi preview --stack oke" in terminal.said[-1]


@pytest.mark.usefixtures("place")
def test_setup_needs_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup"]) == 1

    assert capsys.readouterr().err.endswith("\nhint: python -m delivery doctor --stack oke\n")


def read(terminal: int) -> str:
    """What a pseudo-terminal shows next; nothing at its end."""
    assert select.select([terminal], [], [], 60)[0], "nothing was shown for 60 seconds"
    try:
        return os.read(terminal, 1024).decode()
    except OSError:  # how Linux tells the end
        return ""


def test_real_terminal_hides_the_passphrase(place: Place) -> None:
    typed = {
        "oci, cloud, or a URL [oci]: ": f"file://{place.folder}/state\n",
        "type one of your own): ": "\n",
        "Passphrase: ": "canary-of-sixteen-characters\n",
        "Repeat the passphrase: ": "\x03",
    }
    child, terminal = pty.fork()
    if child == 0:
        command = [sys.executable, "-m", "delivery", "setup"]
        environment = {**place.environment, "PYTHONPATH": str(example.PROJECT_FOLDER)}
        os.execve(sys.executable, command, environment)  # noqa: S606 (Popen gives no terminal)
    shown = ""
    try:
        for question, answer in typed.items():
            while not shown.endswith(question):
                part = read(terminal)
                assert part, shown
                shown += part
            os.write(terminal, answer.encode())
        while part := read(terminal):
            shown += part
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 1
    assert f"file://{place.folder}/state" in shown
    assert "canary" not in shown
    assert "hint: python -m delivery setup --stack oke" in shown
