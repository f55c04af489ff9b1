"""Lost objects, differences from the program, and leaked secrets."""

import asyncio
import base64
import gzip
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from kube import kubeconfig
from kube.drift import find_drift
from kube.helm import deployed_record
from settings.names import RELEASE as APP
from tests.support.faults.proxy import TOKEN
from tests.support.faults.sandbox import Sandbox

_KINDS = (
    "namespaces,secrets,serviceaccounts,services,configmaps,roles,rolebindings,deployments,statefulsets,ingresses,"
    "networkpolicies,poddisruptionbudgets,persistentvolumeclaims,customresourcedefinitions,pods,events"
)
_DAPR_KINDS = "components.dapr.io,configurations.dapr.io,resiliencies.dapr.io,subscriptions.dapr.io"
# Must stay the same objects, because they hold data or others refer to them.
_KEPT = re.compile(
    r"(Namespace|Secret|ServiceAccount|Service|ConfigMap|Role|RoleBinding|Deployment|PersistentVolumeClaim"
    r"|CustomResourceDefinition|Component|Configuration|Resiliency|Subscription) "
)
# Objects of Kubernetes and Helm themselves.
_SYSTEM_OBJECTS = re.compile(r"\S+ (kube-|\S+/kube-root-ca.crt|\S+/sh\.helm\.|\S+/default$)")
_RELEASES = {APP: "default", "dapr": "dapr-system"}
_SECRET_MARK = "4dabf18193072939515e22adb298388d"  # of an encrypted value in an exported state


@dataclass(frozen=True)
class Snapshot:
    """The objects of the cluster, by `Kind namespace/name`, with ` (Helm)` behind objects of a release."""

    objects: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Snapshot":
        found = json.loads(sandbox.kubectl("get", _KINDS, "--all-namespaces", "--output", "json"))["items"]
        of_dapr = sandbox.project.run("kubectl", "get", _DAPR_KINDS, "--all-namespaces", "--output", "json")
        if of_dapr.code == 0:  # else the kinds are missing
            found += json.loads(of_dapr.text)["items"]
        return cls({_key(each) + _origin(each): each for each in found})

    def kept(self) -> dict[str, str]:
        """Return the UIDs of the objects that must stay the same."""
        return {
            key: each["metadata"]["uid"]
            for key, each in self.objects.items()
            if _KEPT.match(key) and not _SYSTEM_OBJECTS.match(key) and "deletionTimestamp" not in each["metadata"]
        }


@dataclass(frozen=True)
class State:
    """The stack's state, with secrets in the clear."""

    resources: Sequence[dict[str, Any]]
    pending: Sequence[dict[str, Any]]  # operations that did not end

    @classmethod
    def of(cls, sandbox: Sandbox) -> "State":
        exported = sandbox.project.run("pulumi", "stack", "export", "--show-secrets")
        sandbox.project.printed.pop()  # it has the secrets
        assert exported.code == 0, exported.text
        deployment = json.loads(exported.text)["deployment"]
        return cls(_decrypted(deployment.get("resources", [])), deployment.get("pending_operations") or [])


@dataclass
class Baseline:
    """A healthy stack, to compare with."""

    resources: frozenset[str] = frozenset()  # URNs
    _reported_leaks: set[str] = field(default_factory=set[str])
    _read_until: float = 0

    @classmethod
    def of(cls, sandbox: Sandbox) -> "Baseline":
        return cls(frozenset(each["urn"] for each in State.of(sandbox).resources))

    def lost(self, state: State, before: Snapshot, broken: Snapshot, healed: Snapshot, may_replace: str) -> list[str]:
        """Return what is missing in the state or the cluster, and objects that were replaced."""
        resources = state.resources
        allowed = re.compile(may_replace) if may_replace else None
        kept = before.kept() | {key: uid for key, uid in broken.kept().items() if key not in before.kept()}
        now = healed.kept()
        return [
            *(f"{urn} is not in the state" for urn in sorted(self.resources - {each["urn"] for each in resources})),
            *(
                f"{key} is gone" if key not in now else f"{key} is another one"
                for key, uid in sorted(kept.items())
                if now.get(key) != uid and not (allowed and allowed.search(key))
            ),
            *(
                f"{key} is gone"
                for key in sorted(set(map(_key, _declared_objects(resources))) - _without_origin(healed.objects).keys())
            ),
        ]

    def differences(self, sandbox: Sandbox, state: State, healed: Snapshot) -> list[str]:
        """Return where the state, the cluster or GitHub differs from the program."""
        live = _without_origin(healed.objects)
        secrets = {name: value for name, value in sandbox.github_secrets().items() if name != "KUBECONFIG"}
        return [
            *(f"an operation is pending: {each['type']} {each['resource']['urn']}" for each in state.pending),
            *(f"{urn} is new in the state" for urn in sorted({r["urn"] for r in state.resources} - self.resources)),
            *(
                f"{_key(declared)} differs in {place}"
                for declared in _declared_objects(state.resources)
                for place in [*_differences(declared, live.get(_key(declared), {}))][:1]
                if _key(declared) in live
            ),
            *asyncio.run(_differing_releases(sandbox, healed)),
            *(f"GitHub's secrets are {sorted(secrets)}" for _ in range(len(secrets) != 5)),
            *(f"GitHub's {name} is old" for name, value in secrets.items() if value not in _secret_values(state)),
        ]

    def leaks(self, sandbox: Sandbox, *seen: Snapshot) -> list[str]:
        """Return new leaks, as `secret in place`."""
        found = sorted(set(self._leaks(sandbox, *seen)) - self._reported_leaks)
        self._reported_leaks |= set(found)
        return found

    def _leaks(self, sandbox: Sandbox, *seen: Snapshot) -> Iterator[str]:
        # Among them the deployer's, which the cluster creates.
        tokens = {
            base64.b64decode(each["data"]["token"]).decode()
            for live in seen
            for each in live.objects.values()
            if each.get("type") == "kubernetes.io/service-account-token" and "data" in each
        }
        written_as = {secret: [*forms(secret)] for secret in {*sandbox.secrets, *tokens}}
        for place, text in self._places(sandbox, *seen):
            for secret, written in written_as.items():
                if any(form in text for form in written) and (secret, place) != (TOKEN, "files"):
                    yield f"{secret[:40]} in {place}"

    def _places(self, sandbox: Sandbox, *seen: Snapshot) -> Iterator[tuple[str, str]]:
        yield "what was printed", "\n".join(sandbox.project.printed)
        sandbox.project.printed.clear()
        for live in seen:
            shown = [each for key, each in live.objects.items() if not key.startswith("Secret ")]
            yield "the cluster's objects", json.dumps(shown)
            yield "Helm's records", "\n".join(_records(live))
        since, self._read_until = self._read_until, max(_mtimes(sandbox), default=self._read_until)
        for path in sandbox.project.state.rglob("*"):
            if path.is_file() and path.stat().st_mtime >= since:
                yield "the state", path.read_text(errors="replace")
        # The provider leaves copies of the kubeconfig here, with its token.
        for path in sandbox.project.folder.iterdir():
            if path.is_file() and path.stat().st_mtime >= since:
                yield "files", path.read_text(errors="replace")


def _without_origin(objects: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {key.removesuffix(" (Helm)"): each for key, each in objects.items()}


def _key(each: Mapping[str, Any]) -> str:
    metadata = each["metadata"]
    namespace = metadata.get("namespace")
    return f"{each['kind']} {namespace}/{metadata['name']}" if namespace else f"{each['kind']} {metadata['name']}"


def _origin(each: Mapping[str, Any]) -> str:
    return " (Helm)" if "meta.helm.sh/release-name" in each["metadata"].get("annotations", {}) else ""


def _decrypted(value: Any) -> Any:
    match value:
        case dict() if _SECRET_MARK in value and "plaintext" in value:
            return _decrypted(json.loads(value["plaintext"]))
        case dict():
            return {key: _decrypted(each) for key, each in value.items()}
        case list():
            return [_decrypted(each) for each in value]
        case _:
            return value


def _declared_objects(resources: Sequence[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that the stack declares itself, without those of Helm's releases."""
    for each in resources:
        inputs = each.get("inputs", {})
        if each["type"].startswith("kubernetes:") and "kind" in inputs and inputs.get("metadata", {}).get("name"):
            yield inputs


def _secret_values(state: State) -> set[str]:
    return {
        base64.b64decode(value).decode()
        for each in state.resources
        if each["type"] == "kubernetes:core/v1:Secret"
        for value in each["inputs"].get("data", {}).values()
    }


def _differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    if declared["kind"] == "CustomResourceDefinition":
        return  # the API server changes it
    yield from _differing_paths(declared, live, "")


def _differing_paths(expected: Any, live: Any, place: str) -> Iterator[str]:
    """Yield the paths of expected values that differ."""
    match expected, live:
        case dict(), dict():
            for key, value in expected.items():
                if not key.startswith(("pulumi.com/", "__")) and value is not None:
                    yield from _differing_paths(value, live.get(key), f"{place}.{key}")
        case list(), list() if len(expected) == len(live):
            for index, (each, other) in enumerate(zip(expected, live, strict=True)):
                yield from _differing_paths(each, other, f"{place}[{index}]")
        case _ if expected in ({}, []) and not live:
            return
        case _:
            if expected != live:
                yield place


async def _differing_releases(sandbox: Sandbox, healed: Snapshot) -> list[str]:
    client = kubeconfig.read(str(sandbox.direct), "").async_client()
    problems: list[str] = []
    for release, namespace in _RELEASES.items():
        record = await deployed_record(client, namespace, release)
        if record is None:
            problems.append(f"the release {release} is not deployed")
            continue
        if release == APP:
            differing = await find_drift(client, namespace, record.manifest)
        else:  # its objects are of kinds that lightkube does not know
            differing = [*_missing(record.manifest, namespace, _without_origin(healed.objects))]
        if differing:
            problems.append(f"of the release {release} {', '.join(differing)} differ")
    return problems


def _missing(manifest: str, namespace: str, live: Mapping[str, Any]) -> Iterator[str]:
    """Yield the missing objects of a release, of the kinds in the snapshot."""
    kinds = {key.partition(" ")[0] for key in live}
    for each in filter(None, yaml.safe_load_all(manifest)):
        key = _key({**each, "metadata": {"namespace": namespace, **each["metadata"]}})
        if each["kind"] in kinds and key not in live:
            yield key


def _records(live: Snapshot) -> Iterator[str]:
    for each in live.objects.values():
        if each.get("type") == "helm.sh/release.v1":
            yield gzip.decompress(base64.b64decode(base64.b64decode(each["data"]["release"]))).decode()


def _mtimes(sandbox: Sandbox) -> Iterator[float]:
    return (path.stat().st_mtime for path in sandbox.project.state.rglob("*") if path.is_file())


def forms(secret: str) -> Iterator[str]:
    """Yield the spellings of a secret: plain, and in Base64 at each offset of a longer text."""
    yield secret
    for offset, begin in enumerate((0, 2, 3)):
        text = bytes(offset) + secret.encode()
        encoded = base64.b64encode(text).decode().rstrip("=")
        yield encoded[begin : len(encoded) - (len(text) % 3 != 0)]
