import json
import subprocess
import sys

import pytest

from tests.support import example
from tests.support.checkout import Checkout
from tests.support.command_line import Delivery
from tests.support.pulumi_command import PulumiCommand, update, with_secrets

VALUES = "infra/helm/todo-app/values-oke.yaml"
CANARY = "canary-password"
IMAGES = {"frontendImage": "r.example/f:v1", "backendImage": f"r.example/b@sha256:{'1b' * 32}"}


@pytest.fixture
def commits(checkout: Checkout, pulumi: PulumiCommand) -> list[str]:
    """The commits of two updates that differ in everything."""
    template, program = "infra/helm/todo-app/templates/backend.yaml", "components/dapr.py"
    commits = [
        checkout.commit({VALUES: f"a: 1\nreplicas: {text}\n", template: text, program: text}) for text in ("1", "2")
    ]
    first = update(commits[0], valuesFile=VALUES, nodeCount="2", protect="true", **IMAGES)
    images = {**IMAGES, "backendImage": "r.example/b:v2"}
    second = update(commits[1], valuesFile=VALUES, nodeCount="3", protect="true", host="todo.example", **images)
    pulumi.made(
        with_secrets(first, kafkaPassword=CANARY, cohereApiKey="same", registryToken="any"),
        with_secrets(second, kafkaPassword=f"{CANARY}-2", cohereApiKey="same", databaseUrl="any"),
    )
    return commits


def test_differences_are_printed_by_kind_without_a_secret(commits: list[str], delivery: Delivery) -> None:
    printed, _ = delivery("diff", "1", "2")

    assert printed.splitlines()[1:] == [
        "settings",
        "  nodeCount: 2 → 3",
        f"  backendImage: {IMAGES['backendImage']} → r.example/b:v2",
        "  host: (not set) → todo.example",
        "secrets",
        *(f"  {key} differs" for key in ("kafkaPassword", "registryToken", "databaseUrl")),
        "images",
        f"  backend: {IMAGES['backendImage']} → r.example/b:v2",
        "chart values",
        *(f"  {line}" for line in (f"--- {VALUES} (update 1)", f"+++ {VALUES} (update 2)", "@@ -1,2 +1,2 @@")),
        *("   a: 1", "  -replicas: 1", "  +replicas: 2"),
        "chart",
        "  infra/helm/todo-app/templates/backend.yaml",
        "program",
        "  components/dapr.py",
        "commits",
        f"  + {commits[1][:7]} …",
    ]


def test_commits_are_removed_in_the_other_direction(commits: list[str], delivery: Delivery) -> None:
    assert delivery("diff", "2", "1")[0].endswith(f"commits\n  - {commits[1][:7]} …\n")


@pytest.mark.usefixtures("commits")
def test_differences_as_json(delivery: Delivery) -> None:
    printed, _ = delivery("diff", "--json", "1", "2")

    document = json.loads(printed)
    assert (document["from"], document["to"]) == (1, 2)
    assert document["settings"]["host"] == {"before": None, "after": "todo.example"}
    assert CANARY not in printed


def test_files_are_relative_to_the_project(
    checkout: Checkout, pulumi: PulumiCommand, monkeypatch: pytest.MonkeyPatch, delivery: Delivery
) -> None:
    commits = [checkout.commit({"deploy/components/dapr.py": text, "components/other.py": text}) for text in "12"]
    monkeypatch.chdir("deploy")
    pulumi.made(*map(update, commits))

    assert json.loads(delivery("diff", "--json", "1", "2")[0])["program"] == ["components/dapr.py"]


def test_all_packages_that_the_program_imports_are_compared(
    checkout: Checkout, pulumi: PulumiCommand, delivery: Delivery
) -> None:
    project = example.PROJECT_FOLDER
    script = "import sys; import components.selection; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], cwd=project, text=True).split()
    packages = {name.partition(".")[0] for name in loaded}
    files = sorted(f"{package}/x.py" for package in packages if (project / package / "__init__.py").exists())
    pulumi.made(*(update(checkout.commit(dict.fromkeys(files, text))) for text in "12"))

    assert json.loads(delivery("diff", "--json", "1", "2")[0])["program"] == files


@pytest.mark.usefixtures("commits")
def test_update_does_not_differ_from_itself(delivery: Delivery) -> None:
    assert delivery("diff", "1", "1")[0].splitlines()[1:] == ["no difference"]


def test_unknown_parts_are_listed(commit: str, pulumi: PulumiCommand, delivery: Delivery) -> None:
    dirty = update(commit)
    dirty["environment"]["git.dirty"] = "true"
    pulumi.made(update(""), with_secrets(dirty, kafkaPassword=CANARY))

    printed, _ = delivery("diff", "1", "2")

    assert [line.partition(":")[0] for line in printed.splitlines()[1:]] == [
        "secrets",
        "  kafkaPassword may differ",
        "not compared",
        "  the files of update 1, which was made outside of a git checkout",
        "  the uncommitted changes of update 2",
    ]


@pytest.mark.usefixtures("commits")
def test_unknown_update_is_an_error(delivery: Delivery) -> None:
    assert delivery("diff", "1", "7", code=1)[1].endswith("hint: python -m delivery history --stack oke\n")
