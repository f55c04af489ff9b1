"""Measure how a delivery grows with the number of services in the chart."""

import base64
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.support.project import ROOT, Project
from tools.bench.memory import watched
from tools.bench.ours import PREVIEW, UP, Ours
from tools.bench.table import line, markdown, spread
from tools.bench.testbed import Echo, Testbed, timed

SIZES = (2, 10, 50, 200)

NOTES = """\
Each service is a copy of the frontend in the app's chart: a Deployment with its Service, account, disruption budget and
network policy. The release grows, and the number of Pulumi resources stays. Median of {repetitions} repetitions. Memory
is the peak of resident memory of the engine, the providers and the program together. Helm's record is the secret that
stores a revision, at most 1 MiB in Kubernetes; services that differ more compress less. The fit is the coefficient of
determination: 1 where the measurements lie on a straight line."""

_REPETITIONS = 3
_PODS_OF_A_NODE = 31
_FEW_MEGABYTES = 10
_CHART = Path("infra/helm/todo-app")

# A service's objects beside its Deployment, as in the chart.
_BESIDE = """
---
apiVersion: v1
kind: Service
metadata: {name: NAME, labels: {app: NAME}}
spec:
  selector: {app: NAME, app.kubernetes.io/instance: "{{ .Release.Name }}"}
  ports: [{name: http, port: 80, targetPort: http}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: NAME, labels: {app: NAME}}
automountServiceAccountToken: false
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: NAME, labels: {app: NAME}}
spec:
  maxUnavailable: 1
  selector: {matchLabels: {app: NAME, app.kubernetes.io/instance: "{{ .Release.Name }}"}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: NAME, labels: {app: NAME}}
spec:
  podSelector: {matchLabels: {app: NAME, app.kubernetes.io/instance: "{{ .Release.Name }}"}}
  policyTypes: [Ingress]
  ingress: [{ports: [{port: 8080}]}]
"""


def measure(bed: Testbed, sizes: Sequence[int], echo: Echo) -> str:
    """Return the table and its notes in Markdown. Raises UserError where a delivery fails."""
    ours = Ours(bed)
    _one_replica_each(ours.project)
    _add_nodes(ours.project, max(sizes))
    commands = {"preview": PREVIEW, "no change": UP}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    megabytes: dict[str, list[float]] = {name: [] for name in commands}
    kilobytes: list[float] = []
    for size in sizes:
        _grow(ours.project, size)
        echo(f"{size} services released: {ours.deploy():.1f} s")
        kilobytes.append(_record(ours.project))
        for name, command in commands.items():
            taken, peaks = zip(*(_watched(ours.project, command) for _ in range(_REPETITIONS)), strict=True)
            seconds[name].append(spread(taken).median)
            megabytes[name].append(max(peaks))
            echo(f"{size} services, {name}: {seconds[name][-1]:.1f} s, {megabytes[name][-1]:.0f} MB")
    notes = NOTES.format(repetitions=_REPETITIONS)
    columns = [*((seconds[name], _seconds) for name in commands), *((megabytes[name], _memory) for name in commands)]
    columns.append((kilobytes, _size))
    return f"{_table(sizes, columns)}\n\n{notes}"


def _table(sizes: Sequence[int], columns: Sequence[tuple[Sequence[float], Callable[[float], str]]]) -> str:
    titles = ["services", "preview", "no change", "memory of the preview", "memory of no change", "Helm's record"]
    rows = [[str(size), *(text(column[place]) for column, text in columns)] for place, size in enumerate(sizes)]
    if len(sizes) > 1:
        lines = [(line(sizes, column), text) for column, text in columns]
        rows.append(["each additional service", *(text(fitted.slope) for fitted, text in lines)])
        rows.append(["fit", *(f"{fitted.fit:.3f}" for fitted, _ in lines)])
    return markdown(titles, rows)


def _watched(project: Project, command: Sequence[str]) -> tuple[float, float]:
    with watched() as peak:
        seconds = timed(project, *command)
    return seconds, peak.megabytes


def _record(project: Project) -> float:
    """Return the size of Helm's record of the last revision in kilobytes."""
    selected = project.get("secrets", "--selector", "owner=helm,name=todo-app,status=deployed")["items"]
    return max(len(base64.b64decode(record["data"]["release"])) for record in selected) / 1000


def _grow(project: Project, size: int) -> None:
    """Add copies of the frontend to the chart, up to `size` services."""
    templates = project.folder / _CHART / "templates"
    # Each copy uses the frontend's values and container.
    copied = (templates / "deployment.yaml").read_text().replace("index $.Values $app", "$.Values.frontend")
    copied = re.sub(r'\(printf "todo-app\.%s\.(\w+)" \$app\)', r'"todo-app.frontend.\1"', copied)
    for number in range(3, size + 1):
        name = f"service-{number}"
        deployment = copied.replace('list "frontend" "backend"', f'list "{name}"')
        (templates / f"{name}.yaml").write_text(deployment + _BESIDE.replace("NAME", name))


def _one_replica_each(project: Project) -> None:
    values = project.folder / _CHART / "values-local.yaml"
    values.write_text(values.read_text().replace("replicas: 2", "replicas: 1"))


def _add_nodes(project: Project, services: int) -> None:
    """Add copies of the cluster's nodes for all pods, and half as many again for rolling updates."""
    own = (ROOT / "tools/embedded/nodes.yaml").read_text()
    for number in range(services * 3 // 2 // _PODS_OF_A_NODE):
        file = project.folder / "more-nodes.yaml"
        file.write_text(own.replace("node-", f"more-{number}-"))
        project.do("kubectl", "apply", "--filename", str(file))


def _seconds(value: float) -> str:
    return f"{value:.3f} s" if value < 1 else f"{value:.1f} s"


def _size(value: float) -> str:
    return f"{value:.2f} kB" if value < 1 else f"{value:.0f} kB"


def _memory(value: float) -> str:
    return f"{value:.2f} MB" if value < _FEW_MEGABYTES else f"{value:.0f} MB"
