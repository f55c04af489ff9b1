import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube import kubeconfig
from kube.kubeconfig import KubeconfigError
from tests.support import example

SERVER, OTHER_SERVER = "https://cluster.example.com:6443", "https://other.example.com:6443"
TWO_CONTEXTS: Mapping[str, Any] = {
    **example.kubeconfig(),
    "clusters": [
        {"name": "cluster", "cluster": {"server": SERVER}},
        {"name": "other", "cluster": {"server": OTHER_SERVER}},
    ],
    "contexts": [
        {"name": "example", "context": {"cluster": "cluster", "user": "user"}},
        {"name": "other", "context": {"cluster": "other", "user": "user", "namespace": "todo"}},
    ],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, which is the user's home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(document: Mapping[str, Any], path: str = "kubeconfig") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(yaml.safe_dump(dict(document)))
    return path


@pytest.mark.parametrize("source", ["kubeconfig", "./kubeconfig", "~/kubeconfig"])
def test_path_is_kept_as_the_user_gave_it(source: str) -> None:
    write(example.kubeconfig())

    found = kubeconfig.read(source)

    assert (found.source, found.is_path, found.server) == (source, True, SERVER)
    assert found.kubectl == f"kubectl --kubeconfig {source} --context example"


@pytest.mark.parametrize("write_as", [yaml.safe_dump, json.dumps, lambda document: f"\n  {json.dumps(document)}"])
def test_content_is_not_taken_for_a_path(write_as: Any) -> None:
    content = write_as(example.kubeconfig())

    found = kubeconfig.read(content)

    assert (found.source, found.is_path, found.server) == (content, False, SERVER)


@pytest.mark.parametrize(
    ("context", "server"), [(None, SERVER), ("", SERVER), ("example", SERVER), ("other", OTHER_SERVER)]
)
def test_current_context_is_the_default(context: str | None, server: str) -> None:
    found = kubeconfig.read(write(TWO_CONTEXTS), context)

    assert (found.context, found.server) == (context or "example", server)


def test_named_context_needs_no_current_one_and_has_its_namespace() -> None:
    document = {key: value for key, value in TWO_CONTEXTS.items() if key != "current-context"}

    found = kubeconfig.read(write(document), "other")

    assert (found.context, found.client().namespace, found.async_client().namespace) == ("other", "todo", "todo")


def test_certificates_are_found_beside_the_kubeconfig_that_names_them(home: Path) -> None:
    document = example.kubeconfig(cluster={"certificate-authority": "pki/ca.crt"})

    config = kubeconfig.read(write(document, "clusters/kubeconfig")).config

    assert config.cluster.certificate_auth is not None
    assert (home / config.abs_file(config.cluster.certificate_auth)) == home / "clusters/pki/ca.crt"


@pytest.mark.parametrize(
    ("document", "context", "mistake"),
    [
        ({}, None, "no clusters or no contexts"),
        ({**example.kubeconfig(), "contexts": None}, None, "no clusters or no contexts"),
        ({**example.kubeconfig(), "clusters": [{"name": "a"}]}, None, "incomplete"),
        ({**example.kubeconfig(), "clusters": "cluster"}, None, "incomplete"),
        ({**example.kubeconfig(), "users": [{"user": {}}]}, None, "incomplete"),
        (example.kubeconfig(user={"token": 5}), None, "incomplete"),
        ({**TWO_CONTEXTS, "current-context": ""}, None, "none of its contexts (example, other) is current"),
        ({**TWO_CONTEXTS, "current-context": "third"}, None, "no context 'third'"),
        ({**TWO_CONTEXTS, "current-context": ["other"]}, None, "no context ['other']"),
        (TWO_CONTEXTS, "third", "no context 'third', only example, other"),
        ({**TWO_CONTEXTS, "users": []}, "other", "'other' lacks a cluster or a user"),
        ({**TWO_CONTEXTS, "clusters": example.kubeconfig()["clusters"]}, "other", "'other' lacks a cluster or a user"),
        (example.kubeconfig(server="cluster.example.com"), None, "'example' lacks a cluster or a user"),
    ],
)
def test_kubeconfig_without_a_cluster_is_explained(
    document: Mapping[str, Any], context: str | None, mistake: str
) -> None:
    for source in (write(document), yaml.safe_dump(dict(document)) + "\n"):
        with pytest.raises(KubeconfigError) as error:
            kubeconfig.read(source, context)

        assert mistake in str(error.value)


@pytest.mark.parametrize(
    ("source", "mistake"),
    [
        ("~/missing", "there is no file ~/missing"),
        ("~nobody-of-this-name/config", "there is no file ~nobody-of-this-name/config"),
        ("folder", "Is a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("binary", "not YAML"),
        ("clusters: [\n", "not YAML"),
        ("{", "not YAML"),
        ("\tclusters:\n", "not YAML"),
        ("clusters: !!python/object:os.system {}\n", "not YAML"),
    ],
)
def test_unreadable_kubeconfig_is_explained(home: Path, source: str, mistake: str) -> None:
    (home / "folder").mkdir()
    (home / "loop").symlink_to("loop")
    (home / "binary").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(KubeconfigError) as error:
        kubeconfig.read(source)

    assert mistake in str(error.value)


def test_credentials_are_never_shown() -> None:
    found = kubeconfig.read(yaml.safe_dump(example.kubeconfig()))

    assert str(found) == repr(found) == f"Kubeconfig('example' at '{SERVER}')"


@pytest.mark.parametrize("namespace", [None, "todo"])
def test_kubeconfig_that_is_built_leads_to_its_cluster(namespace: str | None) -> None:
    found = kubeconfig.read(kubeconfig.build("x", {"server": SERVER}, {"token": "canary"}, namespace))

    assert (found.context, found.server) == ("x", SERVER)
    assert found.config.user is not None
    assert found.config.user.token == "canary"
    assert found.client().namespace == (namespace or "default")
