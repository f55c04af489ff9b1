"""The charts as the helm on PATH renders them."""

import functools
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

import yaml

Environment: TypeAlias = Literal["oke", "local"]
Manifest: TypeAlias = dict[str, Any]
Values: TypeAlias = Mapping[str, Any]

CHART = Path(__file__).parents[2] / "infra" / "helm" / "todo-app"
ENVIRONMENTS: tuple[Environment, ...] = ("oke", "local")
RELEASE = "todo-app"
# The oldest version that the chart admits: helm's own default depends on its build.
KUBERNETES = "1.31.0"

# A tag and a digest, so that every test sees both forms.
FRONTEND_IMAGE = "ghcr.io/acme/todo-frontend:sha-1a2b3c4"
BACKEND_IMAGE = f"ghcr.io/acme/todo-backend@sha256:{'0f' * 32}"

IMAGES: Values = {"frontend": {"image": FRONTEND_IMAGE}, "backend": {"image": BACKEND_IMAGE}}

# Hooks and autoscalers are off by default.
EVERY_OPTION: Values = {
    "frontend": {"autoscaling": {"enabled": True}},
    "backend": {
        "autoscaling": {"enabled": True},
        "secretChecksums": {"app-secrets": "5a", "kafka-secrets": "5b"},
    },
    "imagePullSecrets": ["ghcr"],
    "ingress": {"host": "todo.example.org", "tls": {"secretName": "todo-tls"}},
}


class HelmError(Exception):
    """Error of helm about the chart or its values."""


@dataclass(frozen=True)
class Release:
    """The objects of one `helm install`, hooks included. Tests share it, so it is read-only."""

    manifests: tuple[Manifest, ...]

    def kind(self, kind: str) -> dict[str, Manifest]:
        return {manifest["metadata"]["name"]: manifest for manifest in self.manifests if manifest["kind"] == kind}

    def pods(self) -> dict[str, Manifest]:
        """Return every pod and pod template by the name of its object."""
        return dict(self._pods())

    def container(self, pod: str) -> Manifest:
        """Return the only container of a pod."""
        (only,) = self.pods()[pod]["spec"]["containers"]
        return only

    def of(self, kind: str) -> Manifest:
        """Return the only object of a kind."""
        (only,) = self.kind(kind).values()
        return only

    def _pods(self) -> Iterator[tuple[str, Manifest]]:
        for manifest in self.manifests:
            if manifest["kind"] == "Pod":
                yield manifest["metadata"]["name"], manifest
            elif "template" in manifest.get("spec", {}):
                yield manifest["metadata"]["name"], manifest["spec"]["template"]


def template(environment: Environment, *overrides: Values) -> Release:
    """Render the chart with an environment's values, the two images and overrides; None removes a value."""
    return _template(environment, json.dumps(functools.reduce(_merged, overrides, IMAGES), sort_keys=True))


@functools.cache
def _template(environment: Environment, values: str) -> Release:
    return _parse(_run("template", RELEASE, str(CHART), *_values_of(environment), values=values))


def template_chart(name: str, chart: str, namespace: str, values: Values, *options: str) -> Release:
    """Render another chart."""
    return _parse(_run("template", name, chart, "--namespace", namespace, *options, values=json.dumps(values)))


def lint(environment: Environment) -> str:
    return _run("lint", "--strict", str(CHART), *_values_of(environment), values=json.dumps(IMAGES))


def _values_of(environment: Environment) -> tuple[str, str]:
    return "--values", str(CHART / f"values-{environment}.yaml")


def _parse(output: str) -> Release:
    return Release(tuple(document for document in yaml.load_all(output, Loader=yaml.CSafeLoader) if document))


def _run(*command: str, values: str) -> str:
    result = subprocess.run(
        ["helm", *command, "--kube-version", KUBERNETES, "--values", "-"],
        input=values,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise HelmError(result.stdout + result.stderr)
    return result.stdout


def _merged(base: Values, overrides: Values) -> Values:
    merged = dict(base)
    for key, value in overrides.items():
        if isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _merged(merged[key], cast("Values", value))
        elif value is None and key in merged:
            del merged[key]
        else:
            merged[key] = value
    return merged
