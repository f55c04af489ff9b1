"""The README and the documents match the project."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_documented_settings_are_the_declared_ones() -> None:
    declared = {
        key: (declaration["default"], declaration["description"])
        for key, declaration in yaml.safe_load((ROOT / "Pulumi.yaml").read_text())["config"].items()
    }
    rows = re.findall(r"^\| `(\w+)` \| (?:`(.*?)`)? \| (.*) \|$", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)

    assert {key: (default, description) for key, default, description in rows} == declared


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"make ([a-z]+)\b", (ROOT / "README.md").read_text())) <= targets
