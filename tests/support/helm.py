"""Renders the chart with the helm on PATH."""

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
# The oldest that the chart admits. helm's own default depends on how helm was built.
KUBERNETES = "1.31.0"

# A tag here and a digest there, so that every test sees both forms.
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
    """helm refused the chart or its values."""


@dataclass(frozen=True)
class Release:
    """What one `helm install` would send to the cluster, hooks included. Shared between tests: read only."""

    manifests: tuple[Manifest, ...]

    def kind(self, kind: str) -> dict[str, Manifest]:
        return {manifest["metadata"]["name"]: manifest for manifest in self.manifests if manifest["kind"] == kind}

    def pods(self) -> dict[str, Manifest]:
        """Every pod, or template of one, by the name of the object that holds it."""
        return dict(self._pods())

    def _pods(self) -> Iterator[tuple[str, Manifest]]:
        for manifest in self.manifests:
            if manifest["kind"] == "Pod":
                yield manifest["metadata"]["name"], manifest
            elif "template" in manifest.get("spec", {}):
                yield manifest["metadata"]["name"], manifest["spec"]["template"]


def template(environment: Environment, *overrides: Values) -> Release:
    """The chart with an environment's values, the two images and, over both, the overrides (None removes a value)."""
    return _template(environment, json.dumps(functools.reduce(_merged, overrides, IMAGES), sort_keys=True))


@functools.cache
def _template(environment: Environment, values: str) -> Release:
    output = _run(["template", RELEASE, "--kube-version", KUBERNETES], environment, values)
    documents = yaml.load_all(output, Loader=yaml.CSafeLoader)
    return Release(tuple(document for document in documents if document))


def lint(environment: Environment) -> str:
    return _run(["lint", "--strict", "--kube-version", KUBERNETES], environment, json.dumps(IMAGES))


def _run(command: list[str], environment: Environment, values: str) -> str:
    files = ["--values", str(CHART / f"values-{environment}.yaml"), "--values", "-"]
    result = subprocess.run(
        ["helm", *command, str(CHART), *files], input=values, capture_output=True, text=True, check=False
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
