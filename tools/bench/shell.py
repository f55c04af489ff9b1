"""The shell pipeline that this project replaces: its deploy stage, copied to scripts/, in its own namespace."""

import json
import shutil
from pathlib import Path
from typing import Any

from settings.names import APPS
from tests.support.project import CANARIES, ROOT, Project
from tools.bench.testbed import FIRST_TAG, Testbed, image, timed

NAMESPACE = "shell"

_SCRIPTS = Path(__file__).parent / "scripts"
DEPLOY, PREVIEW, ROLLBACK, RESTART = (
    ("bash", str(_SCRIPTS / f"{name}.sh")) for name in ("deploy", "preview", "rollback", "restart")
)
_SECRETS = {
    "COHERE_API_KEY": "cohereApiKey",
    "BETTER_AUTH_SECRET": "betterAuthSecret",
    "DATABASE_URL": "databaseUrl",
    "KAFKA_USERNAME": "kafkaUsername",
    "KAFKA_PASSWORD": "kafkaPassword",
}
_DAPR = "components,configurations,resiliencies,subscriptions"


class Shell:
    """The document's commands. They need a cluster with Dapr and the app's Dapr components."""

    def __init__(self, bed: Testbed) -> None:
        folder = bed.folder / "shell"
        (folder / "infra").mkdir(parents=True)
        shutil.copytree(ROOT / "infra/helm", folder / "infra/helm")
        own = folder / "kubeconfig"
        shutil.copy(bed.kubeconfig, own)
        # Each command reads it again, after the setters below.
        self._environment = {name: CANARIES[setting] for name, setting in _SECRETS.items()}
        for app in APPS:
            self.set_image(app, FIRST_TAG)
        self.project = Project(folder, own, self._environment)
        self.project.do("kubectl", "create", "namespace", NAMESPACE)
        self.project.do("kubectl", "config", "set-context", "--current", "--namespace", NAMESPACE)

    def copy_dapr_components(self) -> None:
        """Copy the Dapr components from the namespace `default`."""
        listed = self.project.get(_DAPR, "--namespace", "default")
        file = self.project.folder / "dapr.json"
        file.write_text(json.dumps({**listed, "items": [_declared(each) for each in listed["items"]]}))
        self.project.do("kubectl", "apply", "--filename", str(file))

    def set_image(self, app: str, tag: str) -> None:
        self._environment[f"{app.upper()}_IMAGE"] = image(app, tag)

    def set_secret(self, password: str) -> None:
        self._environment["KAFKA_PASSWORD"] = password

    def deploy(self) -> float:
        return timed(self.project, *DEPLOY)

    def deploy_on_main(self) -> float:
        return timed(self.project, *DEPLOY)

    def preview(self) -> float:
        return timed(self.project, *PREVIEW)

    def restart(self) -> float:
        return timed(self.project, *RESTART)

    def roll_back(self) -> float:
        return timed(self.project, *ROLLBACK)

    def remove(self) -> None:
        self.project.do("helm", "uninstall", "todo-app", "--wait")
        self.project.do("kubectl", "delete", "secret", "app-secrets", "kafka-secrets")


def _declared(item: dict[str, Any]) -> dict[str, Any]:
    """Return an object's manifest without its status, for another namespace."""
    kept = {key: value for key, value in item.items() if key not in ("metadata", "status")}
    return {**kept, "metadata": {"name": item["metadata"]["name"]}}
