import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kube import kubeconfig
from kube.kubeconfig import KubeconfigError
from tests.support import example

OTHER_CONTEXT: Mapping[str, Any] = {
    **example.kubeconfig(),
    "clusters": [
        {"name": "cluster", "cluster": {"server": "https://cluster.example.com:6443"}},
        {"name": "other", "cluster": {"server": "https://other.example.com:6443"}},
    ],
    "contexts": [
        {"name": "example", "context": {"cluster": "cluster", "user": "user"}},
        {"name": "other", "context": {"cluster": "other", "user": "user", "namespace": "todo"}},
    ],
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder and the user's home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(document: Mapping[str, Any], path: str = "kubeconfig") -> str:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(yaml.safe_dump(dict(document)))
    return path


@pytest.mark.parametrize("source", ["kubeconfig", "./kubeconfig", "~/kubeconfig"])
def test_a_path_stays_the_path_that_the_user_gave(source: str) -> None:
    write(example.kubeconfig())

    found = kubeconfig.read(source, "")

    assert (found.source, found.is_path) == (source, True)
    assert (found.context, found.server) == ("example", "https://cluster.example.com:6443")


@pytest.mark.parametrize("write_as", [yaml.safe_dump, json.dumps, lambda document: f"\n  {json.dumps(document)}"])
def test_content_is_told_from_a_path(write_as: Any) -> None:
    content = write_as(example.kubeconfig())

    found = kubeconfig.read(content, "")

    assert (found.source, found.is_path) == (content, False)
    assert (found.context, found.server) == ("example", "https://cluster.example.com:6443")


@pytest.mark.parametrize(
    ("context", "server"),
    [
        ("", "https://cluster.example.com:6443"),
        ("example", "https://cluster.example.com:6443"),
        ("other", "https://other.example.com:6443"),
    ],
)
def test_the_named_context_is_chosen_else_the_current_one(context: str, server: str) -> None:
    found = kubeconfig.read(write(OTHER_CONTEXT), context)

    assert (found.context, found.server) == (context or "example", server)


def test_a_named_context_needs_no_current_one() -> None:
    document = {key: value for key, value in OTHER_CONTEXT.items() if key != "current-context"}

    assert kubeconfig.read(write(document), "other").context == "other"


def test_a_client_has_the_credentials_and_the_namespace_of_the_context() -> None:
    found = kubeconfig.read(write(OTHER_CONTEXT), "other")

    assert found.config.user is not None
    assert (found.config.user.token, found.client().namespace, found.async_client().namespace) == (
        "canary-token",
        "todo",
        "todo",
    )


def test_certificates_are_found_beside_the_kubeconfig_that_names_them(home: Path) -> None:
    document = example.kubeconfig(cluster={"certificate-authority": "pki/ca.crt"})

    config = kubeconfig.read(write(document, "clusters/kubeconfig"), "").config

    assert config.cluster.certificate_auth is not None
    assert (home / config.abs_file(config.cluster.certificate_auth)) == home / "clusters/pki/ca.crt"


@pytest.mark.parametrize(
    ("document", "context", "mistake"),
    [
        ({}, "", "it names no clusters or no contexts"),
        ({"clusters": [], "contexts": []}, "", "it names no clusters or no contexts"),
        ({**example.kubeconfig(), "clusters": None}, "", "it names no clusters or no contexts"),
        ({**example.kubeconfig(), "contexts": None}, "", "it names no clusters or no contexts"),
        ({**example.kubeconfig(), "clusters": [{"name": "a"}]}, "", "a cluster, context or user in it is incomplete"),
        ({**example.kubeconfig(), "clusters": "cluster"}, "", "a cluster, context or user in it is incomplete"),
        ({**example.kubeconfig(), "users": [{"user": {}}]}, "", "a cluster, context or user in it is incomplete"),
        (example.kubeconfig(user={"token": 5}), "", "a cluster, context or user in it is incomplete"),
        ({**OTHER_CONTEXT, "current-context": ""}, "", "of its contexts (example, other) none is current"),
        ({**OTHER_CONTEXT, "current-context": "third"}, "", "it has no context 'third', only example, other"),
        ({**OTHER_CONTEXT, "current-context": ["other"]}, "", "it has no context ['other'], only example, other"),
        (OTHER_CONTEXT, "third", "it has no context 'third', only example, other"),
        ({**OTHER_CONTEXT, "users": []}, "other", "its context 'other' lacks a cluster or a user"),
        (
            {**OTHER_CONTEXT, "contexts": [{"name": "other", "context": {"cluster": "cluster"}}]},
            "other",
            "its context 'other' lacks a cluster or a user",
        ),
        (
            {**OTHER_CONTEXT, "clusters": example.kubeconfig()["clusters"]},
            "other",
            "its context 'other' lacks a cluster or a user",
        ),
        (example.kubeconfig(server="cluster.example.com"), "", "its context 'example' lacks a cluster or a user"),
    ],
)
def test_a_kubeconfig_that_leads_nowhere_is_explained(document: Mapping[str, Any], context: str, mistake: str) -> None:
    for source in (write(document), yaml.safe_dump(dict(document)) + "\n"):
        with pytest.raises(KubeconfigError) as error:
            kubeconfig.read(source, context)

        assert str(error.value) == mistake


@pytest.mark.parametrize(
    ("source", "mistake"),
    [
        ("missing", "there is no file missing"),
        ("~/missing", "there is no file ~/missing"),
        ("~nobody-of-this-name/config", "there is no file ~nobody-of-this-name/config"),
        ("folder", "the file folder cannot be read (Is a directory)"),
        ("loop", "the file loop cannot be read (Too many levels of symbolic links)"),
        ("binary", "it is not YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_explained(home: Path, source: str, mistake: str) -> None:
    (home / "folder").mkdir()
    (home / "loop").symlink_to("loop")
    (home / "binary").write_bytes(b"\xff\xfe\x00")

    with pytest.raises(KubeconfigError) as error:
        kubeconfig.read(source, "")

    assert str(error.value) == mistake


@pytest.mark.parametrize("content", ["clusters: [\n", "{", "\tclusters:\n", "clusters: !!python/object:os.system {}\n"])
def test_content_that_is_not_yaml_is_explained(content: str) -> None:
    with pytest.raises(KubeconfigError, match=r"^it is not YAML$"):
        kubeconfig.read(content, "")


@pytest.mark.parametrize(
    "user",
    [
        {"token": "canary"},
        {"username": "canary", "password": "canary"},
        {"client-certificate-data": "Y2FuYXJ5", "client-key-data": "Y2FuYXJ5"},
    ],
)
def test_a_kubeconfig_never_shows_its_credentials(user: Mapping[str, str]) -> None:
    found = kubeconfig.read(yaml.safe_dump(example.kubeconfig(user=user)), "")

    assert str(found) == repr(found) == "Kubeconfig('example' at 'https://cluster.example.com:6443')"


def test_kubectl_reads_a_kubeconfig_in_a_file_from_there() -> None:
    assert (
        kubeconfig.read(write(example.kubeconfig()), "").kubectl == "kubectl --kubeconfig kubeconfig --context example"
    )


@pytest.mark.parametrize(
    ("command", "kubectl"),
    [
        (
            "env .venv/bin/python -m delivery oke-token --cluster ocid1.cluster.x --region eu-frankfurt-1",
            "kubectl --kubeconfig <(python -m delivery kubeconfig --cluster ocid1.cluster.x --region eu-frankfurt-1)",
        ),
        (
            "oci ce cluster generate-token --cluster-id ocid1.cluster.x",
            "kubectl --kubeconfig <(pulumi config get kubeconfig) --context example",
        ),
    ],
)
def test_kubectl_reads_the_content_of_a_kubeconfig_from_the_command_that_prints_it(command: str, kubectl: str) -> None:
    name, *arguments = command.split()
    plugin = {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": name, "args": arguments}

    found = kubeconfig.read(yaml.safe_dump(example.kubeconfig(user={"exec": plugin})), "")

    assert found.kubectl == kubectl
