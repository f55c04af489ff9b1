import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings.chart import CHART, digest, schema_errors
from tests.support import example

FILES: Mapping[str, str] = {
    "Chart.yaml": "name: example\n",
    "values.yaml": "backend: {replicas: 1}\n",
    "values.schema.json": json.dumps(
        {
            "properties": {
                "frontend": {"properties": {"replicas": {"minimum": 1}}, "required": ["image"]},
                "backend": {
                    "properties": {"replicas": {"type": "integer", "minimum": 1}, "image": {"type": "string"}},
                    "required": ["replicas", "image"],
                    "additionalProperties": False,
                },
            },
            "required": ["backend", "frontend"],
            "additionalProperties": False,
        }
    ),
    "templates/backend.yaml": "kind: Deployment\n",
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return write(tmp_path / "chart")


def write(chart: Path) -> Path:
    for name, text in FILES.items():
        (chart / name).parent.mkdir(parents=True, exist_ok=True)
        (chart / name).write_text(text)
    return chart


@pytest.mark.parametrize(
    "change",
    [
        lambda chart: (chart / "templates/backend.yaml").write_text("kind: StatefulSet\n"),
        lambda chart: (chart / "templates/backend.yaml").rename(chart / "templates/frontend.yaml"),
        lambda chart: (chart / "templates/backend.yaml").rename(chart / "backend.yaml"),
        lambda chart: (chart / "templates/backend.yaml").unlink(),
        lambda chart: (chart / ".helmignore").touch(),
        lambda chart: [
            (chart / "Chart.yaml").write_text(FILES["values.yaml"]),
            (chart / "values.yaml").write_text(FILES["Chart.yaml"]),
        ],
    ],
    ids=["edited", "renamed", "moved", "removed", "added", "swapped"],
)
def test_digest_changes_with_the_chart(chart: Path, change: Callable[[Path], object]) -> None:
    before = digest(chart)

    change(chart)

    assert digest(chart) != before


def test_digest_ignores_place_time_and_mode(chart: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "elsewhere/chart")
    (other / "Chart.yaml").touch()
    (other / "Chart.yaml").chmod(0o600)
    (other / "empty").mkdir()

    assert digest(other) == digest(chart)


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({}, []),
        ({"backend": {"replicas": 2}}, []),
        ({"backend": {"replicas": 0}}, ["backend.replicas"]),
        ({"backend": {"replicas": "2"}}, ["backend.replicas"]),
        ({"backend": {"replicas": None}}, ["backend"]),
        ({"frontend": None}, []),
        (
            {"frontend": {"replicas": 0}, "backend": {"replicas": 0}, "other": {}},
            ["backend.replicas", "frontend.replicas", "the values"],
        ),
    ],
)
def test_values_are_checked_as_helm_merges_them(chart: Path, values: Mapping[str, Any], wrong: list[str]) -> None:
    assert [error.partition(":")[0] for error in schema_errors(chart, values)] == wrong


@pytest.mark.parametrize("file", sorted((example.PROJECT_FOLDER / CHART).glob("values-*.yaml")), ids=lambda f: f.name)
def test_values_of_every_stack_fit_the_chart(file: Path) -> None:
    values: dict[str, Any] = yaml.safe_load(file.read_text())

    assert schema_errors(example.PROJECT_FOLDER / CHART, values) == []
