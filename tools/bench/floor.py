"""The engine's floor: what a Pulumi program costs that declares nothing."""

from tests.integration.project import ROOT, Project
from tools.bench.ours import PREVIEW, UP
from tools.bench.testbed import Testbed, timed

_PROJECT = f"""\
name: floor
runtime:
  name: python
  options:
    virtualenv: {ROOT / ".venv"}
"""


class Floor:
    """An empty program in Python, on the same engine, with the same kind of state and secrets."""

    def __init__(self, bed: Testbed) -> None:
        folder = bed.folder / "floor"
        folder.mkdir()
        (folder / "Pulumi.yaml").write_text(_PROJECT)
        (folder / "__main__.py").write_text("import pulumi\n")
        self._project = Project(folder, bed.kubeconfig, bed.environment)
        self._project.state.mkdir()
        self._project.do("pulumi", "stack", "select", "--create", "floor")
        self._project.do(*UP)

    def up(self) -> float:
        return timed(self._project, *UP)

    def preview(self) -> float:
        return timed(self._project, *PREVIEW)
