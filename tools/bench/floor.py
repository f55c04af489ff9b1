"""The floor: the smallest Pulumi programs in Python, with the same engine and kind of state."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from settings.names import APPS
from tests.support.project import CANARIES, ROOT, Project
from tools.bench.ours import PREVIEW, UP
from tools.bench.testbed import FIRST_TAG, Testbed, image, timed

NAMESPACE = "bare"

_PROJECT = f"""\
name: NAME
runtime:
  name: python
  options:
    virtualenv: {ROOT / ".venv"}
"""
_SECRETS: Mapping[str, Mapping[str, str]] = {
    "app-secrets": {
        "cohere-api-key": CANARIES["cohereApiKey"],
        "better-auth-secret": CANARIES["betterAuthSecret"],
        "database-url": CANARIES["databaseUrl"],
    },
    "kafka-secrets": {"username": CANARIES["kafkaUsername"], "password": CANARIES["kafkaPassword"]},
}


class Floor:
    """A program with its stack, which was updated once."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self.up()

    def up(self) -> float:
        return timed(self._project, *UP)

    def preview(self) -> float:
        return timed(self._project, *PREVIEW)


class Empty(Floor):
    """A program that declares nothing."""

    def __init__(self, bed: Testbed) -> None:
        super().__init__(_project(bed, "empty", "import pulumi\n"))


class Bare(Floor):
    """The program in bare_program.py, with the app in its own namespace."""

    def __init__(self, bed: Testbed) -> None:
        project = _project(bed, NAMESPACE, (Path(__file__).parent / "bare_program.py").read_text())
        shutil.copytree(ROOT / "infra/helm", project.folder / "infra/helm")
        project.do("kubectl", "create", "namespace", NAMESPACE)
        images = {f"{app}Image": image(app, FIRST_TAG) for app in APPS}
        project.configure(namespace=NAMESPACE, chart="infra/helm/todo-app", **images)
        project.configure_secret(**{name: json.dumps(values) for name, values in _SECRETS.items()})
        super().__init__(project)

    def set_image(self, app: str, tag: str) -> None:
        self._project.configure(**{f"{app}Image": image(app, tag)})


def _project(bed: Testbed, name: str, program: str) -> Project:
    folder = bed.folder / name
    folder.mkdir()
    (folder / "Pulumi.yaml").write_text(_PROJECT.replace("NAME", name))
    (folder / "__main__.py").write_text(program)
    project = Project(folder, bed.kubeconfig, bed.environment)
    project.state.mkdir()
    project.do("pulumi", "stack", "select", "--create", name)
    return project
