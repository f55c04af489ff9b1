"""The program of this project, run as users and the workflow run it."""

from collections.abc import Sequence

from settings.names import APPS
from tests.support.project import PROGRAM, make_project
from tools.bench.testbed import FIRST_TAG, Testbed, image, timed

UP = ("pulumi", "up", "--yes", "--skip-preview")
PREVIEW = ("pulumi", "preview")

# A rollback reads the chart values from git, so the project is a checkout.
_IGNORED = "\n".join(["/*", "__pycache__", *(f"!/{name}" for name in PROGRAM)])
_AUTHOR = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
# The app's part of the graph; the platform stays when the app is removed.
_APP = ("todo:app:AppRelease", "todo:app:AppSecrets")


class Ours:
    """The stack `local` in a temporary checkout."""

    def __init__(self, bed: Testbed) -> None:
        folder = bed.folder / "ours"
        self.project = make_project(folder, bed.kubeconfig, environment=bed.environment)
        for app in APPS:
            self.set_image(app, FIRST_TAG)
        (folder / ".gitignore").write_text(_IGNORED)
        self.project.do("git", "init", "--quiet")
        self.project.do("git", "add", "--all")
        self.project.do("git", *_AUTHOR, "commit", "--quiet", "--message", "Deliver the app")

    def set_image(self, app: str, tag: str) -> None:
        self.project.configure(**{f"{app}Image": image(app, tag)})

    def set_secret(self, password: str) -> None:
        self.project.configure_secret(kafkaPassword=password)

    def deploy(self) -> float:
        return timed(self.project, *UP)

    def deploy_on_main(self) -> float:
        return timed(self.project, *UP, "--refresh")

    def preview(self) -> float:
        return timed(self.project, *PREVIEW)

    def restart(self) -> float:
        return 0.0  # the update restarts the pods of a changed secret

    def roll_back(self) -> float:
        return timed(self.project, "python", "-m", "delivery", "rollback", "--stack", "local", "--yes")

    def remove(self) -> None:
        targets = [option for urn in self._app() for option in ("--target", urn)]
        self.project.do("pulumi", "destroy", "--yes", "--skip-preview", *targets)

    def _app(self) -> Sequence[str]:
        return sorted(urn for urn in self.project.resources() if any(part in urn for part in _APP))
