"""The doubles of the providers docker-build and docker, and the registry behind both.

Nothing is built: the digest of an image is a hash of its contents, so that it is the same for the same commit.
Source: https://github.com/pulumi/pulumi-docker-build/tree/main/provider/internal
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.providers import schema
from tests.support.providers.cloud import CloudError, Properties
from tests.support.providers.provider import UPDATE, Change, CheckError, Provider, Resource
from tests.support.providers.values import UNKNOWN, has_unknown

# The inputs that change an image, without its cache, tags and exports.
_CONTENTS = ("buildArgs", "contextHash", "dockerfile", "labels", "platforms", "target")
_DECIDED = ("contextHash", "digest", "ref")


@dataclass
class Registry:
    """A registry in memory."""

    tags: dict[str, str] = field(default_factory=dict)  # digests by reference, like ghcr.io/owner/todo-backend:latest
    images: set[str] = field(default_factory=set)  # name@digest

    def push(self, reference: str, digest: str) -> None:
        self.tags[_tagged(reference)] = digest
        self.images.add(f"{_name(reference)}@{digest}")

    def has(self, reference: str, digest: str) -> bool:
        return f"{_name(reference)}@{digest}" in self.images

    def delete(self, reference: str, digest: str) -> None:
        name = _name(reference)
        self.images.discard(f"{name}@{digest}")
        for tag in [tag for tag, each in self.tags.items() if each == digest and _name(tag) == name]:
            del self.tags[tag]


class DockerBuild(Provider):
    """Builds of relative contexts in `folder`."""

    package = "docker-build"

    def __init__(self, folder: Path, registry: Registry) -> None:
        super().__init__()
        self.folder = folder
        self.registry = registry
        self._failures: list[str] = []

    def fail_build(self, message: str) -> None:
        """Fail the next build with a message of BuildKit: the last lines of the failing step."""
        self._failures.append(message)

    def check(self, resource: Resource, inputs: Properties) -> Properties:
        if has_unknown(resource.inputs.get("context")):
            return inputs
        context = resource.inputs.get("context", {}).get("location", ".")
        dockerfile = resource.inputs.get("dockerfile") or {"location": os.path.join(context, "Dockerfile")}  # noqa: PTH118 (as the provider writes it)
        failures: dict[str, str] = {}
        if not (self.folder / context).is_dir():
            failures["context.location"] = f'"{context}": not a valid directory or URL'
        elif "location" in dockerfile and not (self.folder / dockerfile["location"]).is_file():
            failures["dockerfile.location"] = f'"{dockerfile["location"]}": not a valid file'
        if not resource.inputs.get("tags"):
            failures["exports[0]"] = "at least one tag or export name is needed when pushing to a registry"
        if failures:
            raise CheckError(failures)
        return {"network": "default", "context": {"location": context}} | inputs | {"dockerfile": dockerfile}

    def changes(self, resource: Resource) -> Mapping[str, Change]:
        names = (resource.inputs.keys() | resource.state.keys()) & schema.inputs(resource.token).keys()
        found = {name: UPDATE for name in names if resource.inputs.get(name) != resource.state.get(name)}
        if self._hash(resource.inputs) != resource.state.get("contextHash"):
            found["contextHash"] = UPDATE
        return found

    def planned(self, resource: Resource) -> Properties:
        """Return unknown values for a first build, and for a later one if an input changes.

        If only a file changes, there is no digest: the program builds nothing in previews.
        """
        given = resource.inputs
        if not resource.id or any(resource.state[name] != given.get(name) for name in self._set(resource)):
            return given | dict.fromkeys(_DECIDED, UNKNOWN)
        return self._built(given) | {"digest": "", "ref": given["tags"][0]}

    def create(self, resource: Resource) -> tuple[str, Properties]:
        state = self.update(resource)
        self.cloud.put(resource.type, state["digest"], state)
        return state["digest"], state

    def update(self, resource: Resource) -> Properties:
        if self._failures:
            raise CloudError(self._failures.pop(0))
        state = self._built(resource.inputs)
        for tag in resource.inputs["tags"]:
            self.registry.push(tag, state["digest"])
        if resource.id:
            self.cloud.put(resource.type, resource.id, state)
        return state

    def read(self, resource: Resource) -> Properties | None:
        kept = [tag for tag in resource.state["tags"] if self.registry.has(tag, resource.state["digest"])]
        return resource.state | {"tags": kept} if kept else None

    def delete(self, resource: Resource) -> None:
        self.cloud.remove(resource.id)
        for tag in resource.state.get("tags", []):
            self.registry.delete(tag, resource.state["digest"])

    def _set(self, resource: Resource) -> Iterable[str]:
        return resource.state.keys() & schema.inputs(resource.token).keys()

    def _built(self, given: Properties) -> Properties:
        state = given | {"contextHash": self._hash(given)}
        contents = json.dumps({name: state.get(name) for name in _CONTENTS}, sort_keys=True)
        digest = f"sha256:{hashlib.sha256(contents.encode()).hexdigest()}"
        return state | {"digest": digest, "ref": f"{_tagged(given['tags'][0])}@{digest}"}

    def _hash(self, given: Properties) -> str:
        """Hash the Dockerfile and the contents, names and modes of the files in the context."""
        found = hashlib.sha256()
        context = self.folder / given.get("context", {}).get("location", ".")
        dockerfile = given.get("dockerfile", {}).get("location", "")
        if dockerfile:
            found.update((self.folder / dockerfile).read_bytes())
        ignores = [Path(f"{self.folder / dockerfile}.dockerignore"), context / ".dockerignore"]
        patterns = next((path.read_text().splitlines() for path in ignores if path.is_file()), [])
        for path in _files(context, patterns):
            found.update(path.read_bytes())
            found.update(f"{path.relative_to(context).as_posix()}{path.lstat().st_mode:o}".encode())
        return found.hexdigest()


class Docker(Provider):
    """A provider without resources, which looks up digests in the registry."""

    package = "docker"

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self.registry = registry

    def invoke(self, function: str, arguments: Properties, config: Properties) -> Properties:
        if function != "getRegistryImage":
            return super().invoke(function, arguments, config)
        digest = self.registry.tags.get(_tagged(arguments["name"]))
        if digest is None:
            raise CloudError(f"Got error when attempting to fetch image version {arguments['name']} from registry: 404")
        return arguments | {"id": digest, "sha256Digest": digest}


def _files(folder: Path, patterns: Iterable[str]) -> Iterator[Path]:
    """Yield the files that a .dockerignore leaves, in a stable order."""
    rules = [(not line.startswith("!"), _pattern(line.removeprefix("!"))) for line in patterns if _is_rule(line)]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        ignored = False
        for excludes, pattern in rules:
            if pattern.fullmatch(name):
                ignored = excludes
        if path.is_file() and not ignored:
            yield path


def _is_rule(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _pattern(line: str) -> re.Pattern[str]:
    """Return a pattern of a .dockerignore for a path and everything below it.

    Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
    """
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    text = "".join(
        parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", line.strip().strip("/"))
    )
    return re.compile(f"{text}(?:/.*)?")


def _name(reference: str) -> str:
    """Return ghcr.io/owner/todo-backend of ghcr.io/owner/todo-backend:latest."""
    head, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def _tagged(reference: str) -> str:
    name = _name(reference)
    return f"{name}:latest" if reference == name else reference
