"""What was lost, what is not as it should be, and which secrets are shown: judged by what is there."""

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
from kube.drift import deployed_record, find_drift
from settings.names import RELEASE as APP
from tests.faults.front import TOKEN
from tests.faults.site import Site

_KINDS = (
    "namespaces,secrets,serviceaccounts,services,configmaps,roles,rolebindings,deployments,statefulsets,ingresses,"
    "networkpolicies,poddisruptionbudgets,persistentvolumeclaims,customresourcedefinitions,pods,events"
)
_OF_DAPR = "components.dapr.io,configurations.dapr.io,resiliencies.dapr.io,subscriptions.dapr.io"
# Not to be replaced, because somebody relies on their being the same: what they hold, or who knows them.
_KEPT = re.compile(
    r"(Namespace|Secret|ServiceAccount|Service|ConfigMap|Role|RoleBinding|Deployment|PersistentVolumeClaim"
    r"|CustomResourceDefinition|Component|Configuration|Resiliency|Subscription) "
)
# Kubernetes' and Helm's own.
_NOBODYS = re.compile(r"\S+ (kube-|\S+/kube-root-ca.crt|\S+/sh\.helm\.|\S+/default$)")
_RELEASES = {APP: "default", "dapr": "dapr-system"}
_SECRET_MARK = "4dabf18193072939515e22adb298388d"  # of an encrypted value in an exported state


@dataclass(frozen=True)
class Live:
    """What the cluster has, by `Kind namespace/name`; of Helm's, `Kind namespace/name (Helm)`."""

    objects: Mapping[str, Mapping[str, Any]]

    def kept(self) -> dict[str, str]:
        """The UIDs of what must stay the same object."""
        return {
            key: each["metadata"]["uid"]
            for key, each in self.objects.items()
            if _KEPT.match(key) and not _NOBODYS.match(key) and "deletionTimestamp" not in each["metadata"]
        }


@dataclass(frozen=True)
class State:
    """What the stack's state has, secrets in the clear; pending: the operations that were not ended."""

    resources: Sequence[dict[str, Any]]
    pending: Sequence[dict[str, Any]]

    @classmethod
    def of(cls, site: Site) -> "State":
        exported = site.project.run("pulumi", "stack", "export", "--show-secrets")
        site.project.printed.pop()  # asked for in the clear
        assert exported.code == 0, exported.text
        deployment = json.loads(exported.text)["deployment"]
        return cls(_revealed(deployment.get("resources", [])), deployment.get("pending_operations") or [])


@dataclass
class Judge:
    """resources: what the stack has when all is well, by URN; known: the leaks that were told already."""

    resources: frozenset[str] = frozenset()
    known: set[str] = field(default_factory=set[str])
    _read_until: float = 0

    def learn(self, site: Site) -> None:
        """Takes a stack that is well as the measure."""
        self.resources = frozenset(each["urn"] for each in State.of(site).resources)

    def lost(self, state: State, before: Live, broken: Live, healed: Live, may_be_replaced: str) -> list[str]:
        """What is missing in the state or the cluster, or is another object than before the fault or after it."""
        resources = state.resources
        allowed = re.compile(may_be_replaced) if may_be_replaced else None
        kept = before.kept() | {key: uid for key, uid in broken.kept().items() if key not in before.kept()}
        now = healed.kept()
        return [
            *(f"{urn} is not in the state" for urn in sorted(self.resources - {each["urn"] for each in resources})),
            *(
                f"{key} is gone" if key not in now else f"{key} is another one"
                for key, uid in sorted(kept.items())
                if now.get(key) != uid and not (allowed and allowed.search(key))
            ),
            *(f"{key} is gone" for key in sorted(set(map(_key, _declared(resources))) - _plain(healed.objects).keys())),
        ]

    def unhealed(self, site: Site, state: State, healed: Live) -> list[str]:
        """What is not as the program has it, in the state, the cluster or on GitHub."""
        live = _plain(healed.objects)
        secrets = {name: value for name, value in site.github_secrets().items() if name != "KUBECONFIG"}
        return [
            *(f"an operation is pending: {each['type']} {each['resource']['urn']}" for each in state.pending),
            *(f"{urn} is new in the state" for urn in sorted({r["urn"] for r in state.resources} - self.resources)),
            *(
                f"{_key(declared)} differs in {place}"
                for declared in _declared(state.resources)
                for place in [*_differences(declared, live.get(_key(declared), {}))][:1]
                if _key(declared) in live
            ),
            *asyncio.run(_unhealed_releases(site, healed)),
            *(f"GitHub's secrets are {sorted(secrets)}" for _ in range(len(secrets) != 5)),
            *(f"GitHub's {name} is old" for name, value in secrets.items() if value not in _set_values(state)),
        ]

    def leaks(self, site: Site, *seen: Live) -> list[str]:
        """Where a secret stands that nobody told of yet: `secret in place`."""
        found = sorted(set(self._leaks(site, *seen)) - self.known)
        self.known |= set(found)
        return found

    def _leaks(self, site: Site, *seen: Live) -> Iterator[str]:
        # The token of the deployer too, which the cluster makes.
        tokens = {
            base64.b64decode(each["data"]["token"]).decode()
            for live in seen
            for each in live.objects.values()
            if each.get("type") == "kubernetes.io/service-account-token" and "data" in each
        }
        written_as = {secret: [*forms(secret)] for secret in {*site.secrets, *tokens}}
        for place, text in self._places(site, *seen):
            for secret, written in written_as.items():
                if any(form in text for form in written) and (secret, place) != (TOKEN, "files"):
                    yield f"{secret[:40]} in {place}"

    def _places(self, site: Site, *seen: Live) -> Iterator[tuple[str, str]]:
        yield "what was printed", "\n".join(site.project.printed)
        site.project.printed.clear()
        for live in seen:
            shown = [each for key, each in live.objects.items() if not key.startswith("Secret ")]
            yield "the cluster's objects", json.dumps(shown)
            yield "Helm's records", "\n".join(_records(live))
        since, self._read_until = self._read_until, max(_mtimes(site), default=self._read_until)
        for path in site.project.state.rglob("*"):
            if path.is_file() and path.stat().st_mtime >= since:
                yield "the state", path.read_text(errors="replace")
        # Beside the kubeconfig, of which the provider leaves copies: they are known to hold its token.
        for path in site.project.folder.iterdir():
            if path.is_file() and path.stat().st_mtime >= since:
                yield "files", path.read_text(errors="replace")


def look(site: Site) -> Live:
    """What the cluster has now."""
    found = json.loads(site.kubectl("get", _KINDS, "--all-namespaces", "--output", "json"))["items"]
    of_dapr = site.project.run("kubectl", "get", _OF_DAPR, "--all-namespaces", "--output", "json")
    if of_dapr.code == 0:  # else there are no such kinds, now
        found += json.loads(of_dapr.text)["items"]
    return Live({_key(each) + _of_helm(each): each for each in found})


def _plain(objects: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {key.removesuffix(" (Helm)"): each for key, each in objects.items()}


def _key(each: Mapping[str, Any]) -> str:
    metadata = each["metadata"]
    namespace = metadata.get("namespace")
    return f"{each['kind']} {namespace}/{metadata['name']}" if namespace else f"{each['kind']} {metadata['name']}"


def _of_helm(each: Mapping[str, Any]) -> str:
    return " (Helm)" if "meta.helm.sh/release-name" in each["metadata"].get("annotations", {}) else ""


def _revealed(value: Any) -> Any:
    match value:
        case dict() if _SECRET_MARK in value and "plaintext" in value:
            return _revealed(json.loads(value["plaintext"]))
        case dict():
            return {key: _revealed(each) for key, each in value.items()}
        case list():
            return [_revealed(each) for each in value]
        case _:
            return value


def _declared(resources: Sequence[dict[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """The objects that the stack declares itself; those of Helm's releases have their own measure."""
    for each in resources:
        inputs = each.get("inputs", {})
        if each["type"].startswith("kubernetes:") and "kind" in inputs and inputs.get("metadata", {}).get("name"):
            yield inputs


def _set_values(state: State) -> set[str]:
    return {
        base64.b64decode(value).decode()
        for each in state.resources
        if each["type"] == "kubernetes:core/v1:Secret"
        for value in each["inputs"].get("data", {}).values()
    }


def _differences(declared: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[str]:
    if declared["kind"] == "CustomResourceDefinition":
        return  # the API server writes it in its own way
    yield from _beyond(declared, live, "")


def _beyond(wanted: Any, live: Any, place: str) -> Iterator[str]:
    """Where something that is wanted is not so."""
    match wanted, live:
        case dict(), dict():
            for key, value in wanted.items():
                if not key.startswith(("pulumi.com/", "__")) and value is not None:
                    yield from _beyond(value, live.get(key), f"{place}.{key}")
        case list(), list() if len(wanted) == len(live):
            for index, (each, other) in enumerate(zip(wanted, live, strict=True)):
                yield from _beyond(each, other, f"{place}[{index}]")
        case _ if wanted in ({}, []) and not live:
            return
        case _:
            if wanted != live:
                yield place


async def _unhealed_releases(site: Site, healed: Live) -> list[str]:
    client = kubeconfig.read(str(site.direct), "").async_client()
    problems: list[str] = []
    for release, namespace in _RELEASES.items():
        record = await deployed_record(client, namespace, release)
        if record is None:
            problems.append(f"the release {release} is not deployed")
            continue
        if release == APP:
            differing = await find_drift(client, namespace, record.manifest)
        else:  # which has objects that lightkube does not know
            differing = [*_missing(record.manifest, namespace, _plain(healed.objects))]
        if differing:
            problems.append(f"of the release {release} {', '.join(differing)} differ")
    return problems


def _missing(manifest: str, namespace: str, live: Mapping[str, Any]) -> Iterator[str]:
    """The objects of a release that are not there, of the kinds that were looked for."""
    kinds = {key.partition(" ")[0] for key in live}
    for each in filter(None, yaml.safe_load_all(manifest)):
        key = _key({**each, "metadata": {"namespace": namespace, **each["metadata"]}})
        if each["kind"] in kinds and key not in live:
            yield key


def _records(live: Live) -> Iterator[str]:
    for each in live.objects.values():
        if each.get("type") == "helm.sh/release.v1":
            yield gzip.decompress(base64.b64decode(base64.b64decode(each["data"]["release"]))).decode()


def _mtimes(site: Site) -> Iterator[float]:
    return (path.stat().st_mtime for path in site.project.state.rglob("*") if path.is_file())


def forms(secret: str) -> Iterator[str]:
    """How a secret may be written: plainly, or somewhere in the middle of a text in Base64."""
    yield secret
    for offset, begin in enumerate((0, 2, 3)):
        text = bytes(offset) + secret.encode()
        encoded = base64.b64encode(text).decode().rstrip("=")
        yield encoded[begin : len(encoded) - (len(text) % 3 != 0)]
