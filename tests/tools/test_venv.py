"""The Python environment follows the locks."""

from pathlib import Path

import pytest

from tests.tools.publisher import zipped
from tools.toolchain import venv
from tools.toolchain.errors import BootstrapError


def test_an_environment_as_locked_is_left_alone(empty_venv: Path) -> None:
    said: list[str] = []
    venv.provide(empty_venv, empty_venv.parent, said.append)
    assert said == []


def test_a_package_without_its_hash_is_an_error_and_the_environment_not_done(tmp_path: Path) -> None:
    package = tmp_path / "package-1-py3-none-any.whl"
    package.write_bytes(zipped({"package.py": "", "package-1.dist-info/METADATA": "Name: package\nVersion: 1"}))
    (tmp_path / "requirements.txt").write_text(f"package @ {package.as_uri()}")
    (tmp_path / "requirements-dev.txt").touch()
    said: list[str] = []
    with pytest.raises(BootstrapError, match=r"^`\S*/.venv/bin/python -m pip --quiet …` failed: mend what it says"):
        venv.provide(tmp_path / ".venv", tmp_path, said.append)
    assert "Hashes are required in --require-hashes mode" in "\n".join(said)
    assert not list((tmp_path / ".venv").glob("*.sha256"))
