"""Consistent versions in pins, modules, locks and settings."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tools.toolchain import jars
from tools.toolchain.go import MINIMUM
from tools.toolchain.pins import PINS, Chart, Jars, Tool
from tools.toolchain.venv import REQUIREMENTS

ROOT = Path(__file__).resolve().parents[3]
MODULES = ROOT / "tools" / "go"
TOOLS = (*PINS.tools, PINS.plugin, *PINS.test_tools, *PINS.app_tests.tools)
PSEUDO_VERSIONS = {"pulumi-resource-kubernetes"}  # its go.mod names a commit, since its tags are not a module's


def locked(name: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (ROOT / name).read_text(), re.MULTILINE))


def required(module: str) -> dict[str, str]:
    """The modules that a go.mod under tools/go requires, with their versions."""
    text = (MODULES / module / "go.mod").read_text()
    return dict(re.findall(r"^\s*(?:require )?(\S+\.\S+/\S+) v(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize(
    "tool", [tool for tool in TOOLS if tool.name not in PSEUDO_VERSIONS], ids=lambda tool: tool.name
)
def test_tool_has_the_version_of_its_module(tool: Tool) -> None:
    versions = {
        version
        for module, version in required(tool.module.folder).items()
        if f"{tool.package}/".startswith(f"{module}/")
    }
    assert versions == {tool.version}


@pytest.mark.parametrize("chart", PINS.charts, ids=lambda chart: chart.name)
def test_chart_has_one_version_in_its_module_url_and_setting(chart: Chart) -> None:
    setting = {"dapr": "daprVersion", "traefik": "ingressVersion", "cert-manager": "certManagerVersion"}[chart.name]
    declared = yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"]
    module = required(chart.name)[chart.module].removesuffix("+incompatible")
    assert module == declared[setting]["default"] == chart.version
    assert chart.version in chart.url


def test_engine_and_provider_have_the_versions_of_their_sdks() -> None:
    packages = locked("requirements.txt")
    assert {tool.name: tool.version for tool in TOOLS if tool.name.startswith("pulumi")} == {
        "pulumi": packages["pulumi"],
        "pulumi-resource-kubernetes": packages["pulumi-kubernetes"],
    }


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_built_tool_prints_its_version(tool: Tool) -> None:
    named = {value.removeprefix("v") for value in tool.module.variables.values() if "." in value}
    assert named <= {tool.version}


def test_go_is_new_enough_for_every_module() -> None:
    asked = [re.search(r"^go (\d+)\.(\d+)", path.read_text(), re.MULTILINE) for path in MODULES.glob("*/go.mod")]
    assert max(tuple(map(int, match.groups())) for match in asked if match) == MINIMUM


def test_every_module_is_pinned() -> None:
    used = {tool.module.folder for tool in TOOLS} | {chart.name for chart in PINS.charts}
    assert {path.name for path in MODULES.iterdir()} == used


@pytest.mark.parametrize("program", PINS.app_tests.jars, ids=lambda program: program.folder)
def test_lock_of_jars_holds_the_dependencies_of_its_pom_once(program: Jars) -> None:
    folder = ROOT / "tools" / program.folder
    lines = (folder / jars.LOCK).read_text().splitlines()
    matches = [re.fullmatch(r"[0-9a-f]{64}  (\S+/([^/\s]+)/([^/\s]+)/([^/\s]+\.jar))", line) for line in lines]
    locked = {match[2]: match[3] for match in matches if match}
    assert len(locked) == len(lines) == len({match[4] for match in matches if match})
    dependencies = (folder / "pom.xml").read_text().partition("</dependencies>")[0].partition("<dependencies>")[2]
    asked = dict(re.findall(r"<artifactId>([^<]+)</artifactId>\s*<version>([^<]+)<", dependencies))
    assert asked
    assert locked.items() >= asked.items()


def test_locks_hold_the_declared_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    runtime, development = (locked(name) for name in REQUIREMENTS)
    assert {f"{name}=={version}" for name, version in runtime.items()} >= set(project["project"]["dependencies"])
    declared = set(project["dependency-groups"]["dev"])
    assert {f"{name}=={version}" for name, version in development.items()} >= declared
    assert {name: version for name, version in development.items() if name in runtime}.items() <= runtime.items()


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_lock_names_no_index(name: str) -> None:
    assert "index-url" not in (ROOT / name).read_text()  # of the machine that locked; pip itself requires the hashes
