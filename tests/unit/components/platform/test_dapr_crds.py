from pathlib import Path

import httpx2
import pytest
import yaml

from components.platform.dapr_crds import FILES, read
from settings.types import OFFICIAL_CHART
from system.errors import UserError
from tests.support import example

CHART = example.PROJECT_FOLDER / ".tools/charts/dapr"


def test_official_definitions_are_those_of_the_version() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        *_, version, _, _, _, file = request.url.path.split("/")
        return httpx2.Response(200, text=yaml.safe_dump({"metadata": {"name": f"{version}/{file}"}}))

    crds = read(OFFICIAL_CHART, "1.15.5", httpx2.MockTransport(answer))

    assert [*crds] == [f"v1.15.5/{name}.yaml" for name in FILES]


def test_an_unknown_version_is_reported() -> None:
    missing = httpx2.MockTransport(lambda _: httpx2.Response(404))

    with pytest.raises(UserError, match="404") as error:
        read(OFFICIAL_CHART, "1.99.0", missing)

    assert "1.99.0" in error.value.message
    assert error.value.hint == "pulumi config set daprVersion VERSION"


@pytest.mark.skipif(not CHART.is_dir(), reason="the Dapr chart is a tool: make tools")
def test_no_definition_of_the_chart_is_left_out() -> None:
    assert len(read(str(CHART), "1.15.4")) == len([*(CHART / "crds").iterdir()])


@pytest.mark.parametrize("text", [None, "[", "spec: {}"], ids=["none", "no YAML", "no name"])
def test_unreadable_definitions_are_reported(tmp_path: Path, text: str | None) -> None:
    folder = tmp_path / "crds"
    folder.mkdir()
    for name in FILES if text else ():
        (folder / f"{name}.yaml").write_text(text or "")

    with pytest.raises(UserError) as error:
        read(str(tmp_path), "1.15.4")

    assert str(tmp_path) in error.value.message
    assert error.value.hint == "pulumi config set daprChart FOLDER"
