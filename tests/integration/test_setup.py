"""`python -m delivery setup`: from nothing to a stack that the program takes, by the real engine."""

import json
import os
import pty
import re
import select
import shutil
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from delivery.__main__ import main
from delivery.doctor.context import Apis
from delivery.doctor.requirements import REQUIREMENTS
from delivery.engine import stack_config, state
from delivery.engine.stack_config import StackConfig
from delivery.setup.backend import choose_backend
from delivery.setup.run import run_setup
from delivery.setup.session import Session
from delivery.setup.settings import set_settings
from delivery.setup.workflows import prepare_workflows
from settings import model
from system import process
from system.errors import UserError
from tests.support import example, oci_api
from tests.support.commands import StandIn
from tests.support.github_api import REPOSITORY, TOKEN, GitHub
from tests.support.oci_api import Oracle
from tests.support.terminal import Scripted

TOOLS = example.PROJECT_FOLDER / ".tools" / "bin"
COMPARTMENT = "ocid1.compartment.oc1..aaaacompartment"
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
        for name in [name for name in os.environ if name.startswith(("OCI_", "PULUMI_", "AWS_", "GITHUB_", "GH_"))]:
            patch.delenv(name)
        patch.chdir(folder)
        for name in ("Pulumi.yaml", "Pulumi.oke.yaml"):
            shutil.copy(example.PROJECT_FOLDER / name, folder)
        (folder / "infra").symlink_to(example.PROJECT_FOLDER / "infra")
        (folder / "state").mkdir()
        patch.setenv("HOME", str(folder))
        patch.setenv("PULUMI_HOME", str(folder / ".pulumi"))  # the engine finds the user's home without HOME
        patch.setenv("NO_PROXY", "127.0.0.1")
        patch.setenv("PATH", str(TOOLS), prepend=":")
        oci_api.write_config(folder)
        (folder / ".docker").mkdir()
        (folder / ".docker" / "config.json").write_text(json.dumps({"auths": {"ghcr.io": {}}}))
        certificate = folder / "certificate.pem"
        oci_api.write_certificate(certificate)
        patch.setenv("SSL_CERT_FILE", str(certificate))
        oci, github = Oracle(certificate), GitHub(folder / "github")
        clusters = f"/20180222/clusters?compartmentId={COMPARTMENT}"
        oci.documents = {"/n": "axns", clusters: [], **oci_api.free_tier(COMPARTMENT)}
        with oci.serve(), github.serve():
            place = Place(folder, Apis(github.url, *oci.apis), github, {})
            (folder / "bin").mkdir()
            pulumi = shutil.which("pulumi")
            scripts = {
                "pulumi": f'exec {pulumi} "$@"',
                "docker": "echo 29.0.0",
                "trivy": "echo 0.75.0",
                "gh": github.command(),
            }
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
    return [*example.SECRETS.values(), TOKEN, place.passphrase.read_text().strip(), oci_api.pem().splitlines()[1]]


def test_a_walk_from_nothing_gives_settings_that_the_program_takes(done: tuple[Place, Scripted]) -> None:
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


def test_a_walk_tells_what_each_credential_may_do_and_where_to_get_it(done: tuple[Place, Scripted]) -> None:
    _, terminal = done

    for key in [*example.SECRETS, "registryToken", "GITHUB_TOKEN", "letsEncryptEmail", "PULUMI_CONFIG_PASSPHRASE"]:
        assert str(REQUIREMENTS[key]) in terminal.text


def test_a_setting_without_a_value_is_asked_for_until_it_is_right(done: tuple[Place, Scripted]) -> None:
    _, terminal = done

    for key, declared in example.DECLARED.items():
        asked = [question for question in terminal.questions if question.rstrip(":").split(" ")[0] == key]
        has_value = key in SHIPPED or declared["default"]
        times = 2 if key == "nodeCount" else 0 if has_value else 1 + len(MISTYPED.get(key, ()))
        assert len(asked) == times, key
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
        "OCI_CLI_USER": oci_api.USER,
        "OCI_CLI_TENANCY": oci_api.TENANCY,
        "OCI_CLI_FINGERPRINT": oci_api.FINGERPRINT,
        "OCI_CLI_KEY_CONTENT": oci_api.pem().removesuffix("OCI_API_KEY\n"),
        "DELIVERY_GITHUB_TOKEN": TOKEN,
    }

    for environment in ("production", "preview"):
        assert {file.name: file.read_text() for file in (kept / environment).iterdir()} == expected
    assert (kept / "variables" / "PULUMI_BACKEND_URL").read_text() == f"file://{place.folder}/state"


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


def test_a_wrong_answer_is_told_at_once_and_not_kept(done: tuple[Place, Scripted]) -> None:
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


def test_a_run_that_was_stopped_goes_on_where_it_was(place: Place) -> None:
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


def test_a_secret_in_plain_text_and_a_wrong_setting_are_asked_for_again(done: tuple[Place, Scripted]) -> None:
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


def test_a_problem_is_looked_at_again_until_it_is_mended(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    before = place.settings_file.read_text()
    # Meanwhile the user starts Docker, and changes a setting.
    place.commands["docker"].does("test -e mended || { touch mended; sed -i /imageScan/d Pulumi.oke.yaml; exit 1; }")
    terminal = Scripted({}, {})

    place.set_up(terminal, PULUMI_CONFIG_PASSPHRASE_FILE=str(place.passphrase), GITHUB_TOKEN=TOKEN)

    place.settings_file.write_text(before)
    assert terminal.questions == ["Enter to check again, s to skip:"]
    assert "hint: docker buildx version" in terminal.text
    assert "n/a    trivy         imageScan is not set" in terminal.text


def test_a_problem_can_be_left_for_later(done: tuple[Place, Scripted]) -> None:
    place, _ = done
    place.commands["docker"].does("exit 1")
    terminal = Scripted({"Enter to check again": ["", "s"]}, {})

    place.set_up(terminal, PULUMI_CONFIG_PASSPHRASE_FILE=str(place.passphrase), GITHUB_TOKEN=TOKEN)

    assert len(terminal.questions) == 2
    assert "pulumi preview --stack oke" in terminal.said[-1]


def test_what_the_shell_lacks_is_told_at_the_end(place: Place) -> None:
    terminal = Scripted({}, {"GITHUB_TOKEN": ["canary"]})
    run = session(place, terminal, PATH="")
    run.ask_variable("GITHUB_TOKEN")

    run.print_exports()

    assert terminal.said[-1] == (
        "\nIn each new shell, before pulumi:\n"
        "    export PATH=$PWD/.tools/bin:$PATH\n"
        "    read -rs GITHUB_TOKEN && export GITHUB_TOKEN"
    )


def session(place: Place, terminal: Scripted, **variables: str) -> Session:
    return Session("oke", {**place.environment, **variables}, terminal, place.apis)


def use_backend(place: Place, url: str, stacks: str = "[]") -> None:
    """Lets pulumi reach the state at one URL alone, with the right key, and have these stacks there."""
    place.commands["pulumi"].does(
        f"""
        case "$1 $2" in
        "stack ls") [ "$PULUMI_BACKEND_URL" = '{url}' ] && [ "${{AWS_SECRET_ACCESS_KEY:-right}}" = right ] || {{
            echo 'error: no such bucket' >&2; exit 255
        }}
        echo '{stacks}' ;;
        esac
        """
    )


def test_a_bucket_of_oci_is_asked_for_by_its_name_alone(place: Place) -> None:
    url = state.object_storage_url("axns", oci_api.REGION, "todo-state")
    use_backend(place, url)
    terminal = Scripted({}, {"AWS_ACCESS_KEY_ID": ["canary-id"], "AWS_SECRET_ACCESS_KEY": ["canary-wrong", "right"]})
    run = session(place, terminal)

    choose_backend(run)

    assert ["login", url, "--non-interactive"] in place.commands["pulumi"].calls
    assert run.environment["PULUMI_BACKEND_URL"] == url
    assert run.environment["AWS_SECRET_ACCESS_KEY"] == "right"
    assert [*run.exports] == ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
    assert "The state cannot be reached: no such bucket\nhint: pulumi stack ls" in terminal.text
    assert str(REQUIREMENTS["AWS_ACCESS_KEY_ID"]) in terminal.text
    assert "canary" not in terminal.text


def test_the_bucket_of_an_unknown_tenancy_is_asked_for_in_full(place: Place) -> None:
    (place.folder / ".oci" / "config").unlink()
    url = state.object_storage_url("other", "uk-london-1", "mine")
    use_backend(place, url)
    answers = {"Namespace": ["not/one", "other"], "Region": ["uk-london-1"], "Bucket": ["mine"]}
    terminal = Scripted(answers, {"AWS_": ["right"]})

    choose_backend(session(place, terminal))

    assert ["login", url, "--non-interactive"] in place.commands["pulumi"].calls
    assert "'not/one' is not an Object Storage namespace" in terminal.text


def test_what_is_no_backend_is_asked_for_again(place: Place) -> None:
    use_backend(place, "file:///right")
    urls = ["nonsense", "postgres://me:canary@host/state", "file:///wrong", "file:///right"]
    terminal = Scripted({"oci, cloud": urls}, {})

    choose_backend(session(place, terminal))

    assert "'nonsense' is not a backend." in terminal.said
    assert "hint: read -rs PULUMI_BACKEND_URL && export PULUMI_BACKEND_URL" in terminal.text
    assert "canary" not in terminal.text + str(place.commands["pulumi"].calls)
    assert [call for call in place.commands["pulumi"].calls if call[0] == "login"] == [
        ["login", "file:///right", "--non-interactive"]
    ]


@pytest.mark.parametrize(
    ("stacks", "variables", "answers", "questions"),
    [
        ('[{"name": "oke"}]', {}, {}, 0),
        ("[]", {"PULUMI_BACKEND_URL": "file:///known"}, {}, 0),
        ("[]", {}, {"\nPulumi is logged in": ["y"]}, 1),
        ("[]", {}, {"oci, cloud": ["file:///known"]}, 2),
    ],
)
def test_the_backend_of_another_project_is_not_taken_without_asking(
    place: Place, stacks: str, variables: Mapping[str, str], answers: Mapping[str, Sequence[str]], questions: int
) -> None:
    (place.folder / ".pulumi").mkdir()
    (place.folder / ".pulumi" / "credentials.json").write_text('{"current": "file:///known"}')
    use_backend(place, "file:///known", stacks)
    terminal = Scripted(answers, {})

    choose_backend(session(place, terminal, **variables))

    assert len(terminal.questions) == questions


def test_a_backend_that_the_shell_names_and_cannot_be_reached_is_replaced_in_the_shell(place: Place) -> None:
    use_backend(place, "file:///right")
    run = session(place, Scripted({"oci, cloud": ["file:///right"]}, {}), PULUMI_BACKEND_URL="file:///wrong")

    choose_backend(run)

    assert run.exports["PULUMI_BACKEND_URL"] == "export PULUMI_BACKEND_URL='file:///right'"


def with_repository(**values: str) -> StackConfig:
    return StackConfig({**example.CONFIG, "repository": REPOSITORY, **values}, frozenset())


def test_without_gh_the_commands_for_it_are_told(place: Place) -> None:
    place.commands["gh"].does('test "$1" != auth')
    terminal = Scripted({}, {})
    run = session(place, terminal, PULUMI_BACKEND_URL="s3://bucket?endpoint=https://s3.example.com", GITHUB_TOKEN=TOKEN)

    prepare_workflows(run, with_repository(clusterOcid=oci_api.CLUSTER, region=oci_api.REGION))

    assert terminal.questions == []
    for environment in ("production", "preview"):
        for name in ("PULUMI_CONFIG_PASSPHRASE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "DELIVERY_GITHUB_TOKEN"):
            assert f"    gh secret set {name} --env {environment} --repo {REPOSITORY}" in terminal.said
    assert f"    gh secret set OCI_CLI_KEY_CONTENT --env preview --repo {REPOSITORY} < KEY.pem" in terminal.said
    assert (
        f"    gh variable set PULUMI_BACKEND_URL --repo {REPOSITORY} "
        "--body 's3://bucket?endpoint=https://s3.example.com'" in terminal.text
    )


def test_an_environment_that_is_there_keeps_its_rules(place: Place) -> None:
    for environment in ("production", "preview"):
        (place.github.kept / environment).mkdir(parents=True)
    (place.github.kept / "production" / "DELIVERY_GITHUB_TOKEN").write_text("known")
    terminal = Scripted({"Write ": ["y"]}, {})
    run = session(
        place,
        terminal,
        PULUMI_BACKEND_URL="file:///s",
        PULUMI_CONFIG_PASSPHRASE="canary-passphrase",
        GITHUB_TOKEN=TOKEN,
    )

    prepare_workflows(run, with_repository())

    assert not [call for call in place.commands["gh"].calls if "PUT" in call]
    assert (place.github.kept / "production" / "DELIVERY_GITHUB_TOKEN").read_text() == "known"
    assert (place.github.kept / "preview" / "PULUMI_CONFIG_PASSPHRASE").read_text() == "canary-passphrase"
    assert not (place.github.kept / "preview" / "OCI_CLI_USER").exists()


def test_no_branch_may_use_production_before_the_stack_says_which(place: Place) -> None:
    place.commands["gh"].does(
        f"""case "$1 $2" in "api --method") cat > "{place.folder}/$(basename "$4")" ;; "api "*) exit 1 ;; esac"""
    )
    terminal = Scripted({"Write ": ["y"]}, {})
    run = session(place, terminal, PULUMI_BACKEND_URL="file:///s", PULUMI_CONFIG_PASSPHRASE="p", GITHUB_TOKEN=TOKEN)

    prepare_workflows(run, with_repository())

    production, preview = (json.loads((place.folder / name).read_text()) for name in ("production", "preview"))
    assert production["deployment_branch_policy"] == {"protected_branches": False, "custom_branch_policies": True}
    assert preview == {}


def test_the_key_of_a_session_is_no_key_for_a_workflow(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    oci_api.write_config(place.folder, DEFAULT={"security_token_file": "~/.oci/token", "key_file": "~/.oci/key.pem"})
    monkeypatch.setenv("OCI_CLI_AUTH", "security_token")
    monkeypatch.setenv("OCI_CLI_REGION", oci_api.REGION)
    terminal = Scripted({"Write ": ["y"]}, {})
    run = session(place, terminal, PULUMI_BACKEND_URL="file:///s", PULUMI_CONFIG_PASSPHRASE="p", GITHUB_TOKEN=TOKEN)

    prepare_workflows(run, with_repository(clusterOcid=oci_api.CLUSTER))

    assert any(line.startswith("Skipped OCI_CLI_KEY_CONTENT") for line in terminal.said)
    assert not (place.github.kept / "production" / "OCI_CLI_KEY_CONTENT").exists()


def test_what_github_refuses_is_told_without_the_secret(place: Place) -> None:
    place.commands["gh"].does('case "$1" in secret) echo "no: $(cat)" >&2; exit 1 ;; esac')
    terminal = Scripted({"Write ": ["y"]}, {})
    run = session(
        place, terminal, PULUMI_BACKEND_URL="file:///s", PULUMI_CONFIG_PASSPHRASE="canary", GITHUB_TOKEN=TOKEN
    )

    with pytest.raises(UserError, match=r"`gh secret set PULUMI_CONFIG_PASSPHRASE` failed: no: \[hidden\]"):
        prepare_workflows(run, with_repository())


def test_without_a_repository_github_is_left_alone(place: Place) -> None:
    terminal = Scripted({}, {})

    prepare_workflows(session(place, terminal), StackConfig(example.CONFIG, frozenset()))

    assert terminal.text == ""


@pytest.mark.usefixtures("place")
def test_without_a_terminal_it_refuses_to_ask(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["setup"]) == 1

    assert capsys.readouterr().err.endswith("\nhint: python -m delivery doctor\n")


def read(terminal: int) -> str:
    """What a pseudo-terminal shows next; nothing at its end."""
    assert select.select([terminal], [], [], 60)[0], "nothing was shown for 60 seconds"
    try:
        return os.read(terminal, 1024).decode()
    except OSError:  # how Linux tells the end
        return ""


def test_a_real_terminal_does_not_show_what_is_typed_unseen(place: Place) -> None:
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
