"""`python -m delivery setup`: from nothing to a stack that the program takes, by the real engine."""

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from components import settings
from delivery import CommandError, runner, stack_config
from delivery.__main__ import main
from delivery.accounts import ACCOUNTS
from delivery.checks import Apis
from delivery.setup import run_setup
from tests.unit import example, github_api, oracle
from tests.unit.commands import StandIn
from tests.unit.github_api import REPOSITORY, TOKEN, GitHub
from tests.unit.oracle import Oracle

TOOLS = example.PROJECT_FOLDER / ".tools" / "bin"
COMPARTMENT = "ocid1.compartment.oc1..aaaacompartment"
NAMES = {"imageRegistry": "ghcr.io/octo", "kafkaBrokers": "broker.example.com:9092", "repository": REPOSITORY}
PLAIN = {"compartmentOcid": COMPARTMENT, "region": oracle.REGION, **NAMES}


class Scripted:
    """A terminal at which the answers are known before; every other question gets an empty one.

    answers, unseen: by the beginning of a question, what is answered to it, the last again and again.
    stops_at: the beginning of the question at which the user presses Ctrl-C.
    """

    def __init__(
        self, answers: Mapping[str, Sequence[str]], unseen: Mapping[str, Sequence[str]], stops_at: str = "nothing"
    ) -> None:
        self._answers = {question: list(texts) for question, texts in answers.items()}
        self._unseen = {question: list(texts) for question, texts in unseen.items()}
        self._stops_at = stops_at
        self.questions: list[str] = []
        self.said: list[str] = []

    @property
    def text(self) -> str:
        return "\n".join([*self.said, *self.questions])

    def say(self, text: str) -> None:
        self.said.append(text)

    def ask(self, question: str) -> str:
        return self._answer(question, self._answers)

    def ask_unseen(self, question: str) -> str:
        return self._answer(question, self._unseen)

    def _answer(self, question: str, answers: dict[str, list[str]]) -> str:
        assert len(self.questions) < 100, self.questions[-5:]
        self.questions.append(question)
        if question.startswith(self._stops_at):
            raise KeyboardInterrupt
        texts = next((texts for start, texts in answers.items() if question.startswith(start)), [""])
        return texts.pop(0) if len(texts) > 1 else texts[0]


@dataclass
class Place:
    """A clone with nothing set, a user with an OCI key, and the outside services."""

    folder: Path
    apis: Apis
    github: GitHub
    environment: dict[str, str]
    commands: dict[str, StandIn] = field(default_factory=dict[str, StandIn])

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
        """All answers of a new user, without a mistake."""
        return Scripted(
            {
                "oci, cloud, or a URL": [f"file://{self.folder}/state"],
                "File ": [str(self.passphrase)],
                "The name of one to change": ["imageSource", ""],
                "imageSource": ["build"],
                "Write ": ["y"],
                "\nWrite ": ["y"],
                **{key: [value] for key, value in PLAIN.items()},
            },
            {**{key: [value] for key, value in example.SECRETS.items()}, "GITHUB_TOKEN": [TOKEN]},
            stops_at,
        )


@contextmanager
def new_place(folder: Path) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("OCI_", "PULUMI_", "AWS_", "GITHUB_", "GH_"))]:
            patch.delenv(name)
        patch.chdir(folder)
        shutil.copy(example.PROJECT_FOLDER / "Pulumi.yaml", folder)
        (folder / "infra").symlink_to(example.PROJECT_FOLDER / "infra")
        (folder / "state").mkdir()
        patch.setenv("HOME", str(folder))
        patch.setenv("PULUMI_HOME", str(folder / ".pulumi"))  # the engine finds the user's home without HOME
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("PATH", str(TOOLS), prepend=":")
        oracle.write_config(folder)
        (folder / ".docker").mkdir()
        (folder / ".docker" / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {}}}))
        certificate = folder / "certificate.pem"
        oracle.write_certificate(certificate)
        patch.setenv("SSL_CERT_FILE", str(certificate))
        oci, github = Oracle(certificate), GitHub(folder / "github")
        oci.documents = {"/n": "axns", f"/20180222/clusters?compartmentId={COMPARTMENT}": []}
        with oci.serve(), github.serve():
            place = Place(folder, Apis(github.url, oci.url, oci.endpoint), github, {})
            (folder / "bin").mkdir()
            pulumi = shutil.which("pulumi")
            scripts = {"pulumi": f'exec {pulumi} "$@"', "docker": "echo 29.0.0", "gh": github.command()}
            for name, script in scripts.items():
                place.commands[name] = StandIn(name, folder / "bin", patch)
                place.commands[name].does(f"env >> {folder}/{name}.environment\n{script}")
            place.environment = dict(os.environ)
            yield place


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
    return [*example.SECRETS.values(), TOKEN, place.passphrase.read_text().strip(), oracle.pem().splitlines()[1]]


def test_a_walk_from_nothing_gives_settings_that_the_program_takes(done: tuple[Place, Scripted]) -> None:
    place, terminal = done
    environment = {**place.environment, "PULUMI_CONFIG_PASSPHRASE_FILE": str(place.passphrase)}

    stored = stack_config.load("oke", environment)
    parsed = settings.parse(stored.values, stored.encrypted)

    assert parsed.compartment_ocid == COMPARTMENT
    assert parsed.image_source == "build"
    assert parsed.kafka_brokers == ("broker.example.com:9092",)
    assert {key: stored.values[key] for key in example.SECRETS} == example.SECRETS
    assert set(yaml.safe_load(place.settings_file.read_text())["config"]) == {
        f"todo-oke:{key}" for key in [*PLAIN, *example.SECRETS, "imageSource"]
    }
    assert "pulumi preview --stack oke" in terminal.said[-1]
    assert f"export PULUMI_CONFIG_PASSPHRASE_FILE='{place.passphrase}'" in terminal.text
    assert "read -rs GITHUB_TOKEN && export GITHUB_TOKEN" in terminal.text


def test_a_walk_tells_what_each_credential_may_do_and_where_to_get_it(done: tuple[Place, Scripted]) -> None:
    _, terminal = done

    for key in [*example.SECRETS, "registryToken", "GITHUB_TOKEN", "letsEncryptEmail", "PULUMI_CONFIG_PASSPHRASE"]:
        assert str(ACCOUNTS[key]) in terminal.text


def test_each_setting_without_a_value_is_asked_for_once_with_what_it_is_for(done: tuple[Place, Scripted]) -> None:
    _, terminal = done

    for key, declared in example.DECLARED.items():
        asked = [question for question in terminal.questions if question.startswith(f"{key}:")]
        assert len(asked) == (0 if declared["default"] else 1), key
        assert declared["description"] in terminal.text


def test_no_secret_is_shown_or_kept_in_plain_text(done: tuple[Place, Scripted]) -> None:
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


def test_a_command_gets_no_secret_of_another(done: tuple[Place, Scripted]) -> None:
    place, _ = done

    for name in place.commands:
        assert TOKEN not in place.environments(name)
    assert "PULUMI_CONFIG_PASSPHRASE_FILE" in place.environments("pulumi")


def test_the_passphrase_is_random_and_its_owners_alone(done: tuple[Place, Scripted]) -> None:
    place, _ = done

    assert re.fullmatch(r"[\w-]{43}\n", place.passphrase.read_text())
    assert place.passphrase.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in place.passphrase.parent.iterdir()] == ["passphrase"]


def test_github_gets_what_the_workflows_need_before_the_first_update(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    kept = place.github.kept
    expected = {
        "PULUMI_CONFIG_PASSPHRASE": place.passphrase.read_text().strip(),
        "OCI_CLI_USER": oracle.USER,
        "OCI_CLI_TENANCY": oracle.TENANCY,
        "OCI_CLI_FINGERPRINT": oracle.FINGERPRINT,
        "OCI_CLI_KEY_CONTENT": oracle.pem().removesuffix("OCI_API_KEY\n"),
        "DELIVERY_GITHUB_TOKEN": TOKEN,
    }

    for environment in ("production", "preview"):
        assert {file.name: file.read_text() for file in (kept / environment).iterdir()} == expected
    assert {file.name: file.read_text() for file in (kept / "variables").iterdir()} == {
        "PULUMI_BACKEND_URL": f"file://{place.folder}/state",
        "OCI_CLI_REGION": oracle.REGION,
    }


def test_another_run_asks_nothing_and_writes_nothing(done: tuple[Place, Scripted]) -> None:
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


@pytest.mark.parametrize("question", ["File ", "kafkaUsername:", "\nWrite "])
def test_a_run_that_was_stopped_goes_on_where_it_was(place: Place, question: str) -> None:
    stopped = place.walk(stops_at=question)
    with pytest.raises(CommandError, match=r"Stopped\. What was answered is kept\.\n    python -m delivery setup"):
        place.set_up(stopped)
    known = set(yaml.safe_load(place.settings_file.read_text())["config"]) if place.settings_file.exists() else set()
    terminal = place.walk()
    del terminal.said[:]

    place.set_up(terminal)

    asked = {question.partition(":")[0] for question in terminal.questions}
    assert not {key.removeprefix("todo-oke:") for key in known} - {"imageSource"} & asked
    assert "All is set" in terminal.said[-1]
    assert "oci, cloud, or a URL" not in asked or question == "File "


def test_a_wrong_answer_is_asked_for_again_with_what_is_wrong(place: Place) -> None:
    terminal = place.walk()
    terminal._answers |= {"region": ["Frankfurt", oracle.REGION], "kafkaBrokers": ["", "canary-broker", "b.example:1"]}
    terminal._unseen |= {
        "betterAuthSecret": ["canary-short", example.SECRETS["betterAuthSecret"]],
        "databaseUrl": ["", "mysql://canary", example.SECRETS["databaseUrl"]],
    }

    place.set_up(terminal)

    for key, times in {"region": 2, "kafkaBrokers": 3, "betterAuthSecret": 2, "databaseUrl": 3}.items():
        assert len([question for question in terminal.questions if question.startswith(f"{key}:")]) or times
    assert "It is not an OCI region such as eu-frankfurt-1: 'Frankfurt'." in terminal.said
    assert "It has a broker that is not host:port: 'canary-broker'." in terminal.said
    assert "It has fewer than 32 characters, which can be guessed." in terminal.said
    assert "It is not set." in terminal.said
    assert "canary-short" not in terminal.text
    assert "mysql://canary" not in terminal.text
    stored = place.settings_file.read_text()
    assert "Frankfurt\n" not in stored
    assert "b.example:1" in stored
