"""The Python environment follows the locks."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from system.errors import UserError
from tests.support.toolchain.fakes import executable
from tests.support.toolchain.project import Project
from tests.support.toolchain.publisher import zipped
from tools.toolchain import command, venv


def test_package_without_its_hash_is_an_error_and_not_installed(tmp_path: Path) -> None:
    package = tmp_path / "package-1-py3-none-any.whl"
    package.write_bytes(zipped({"package.py": "", "package-1.dist-info/METADATA": "Name: package\nVersion: 1"}))
    (tmp_path / "requirements.txt").write_text(f"package @ {package.as_uri()}")
    (tmp_path / "requirements-dev.txt").touch()
    said: list[str] = []
    with pytest.raises(UserError, match="-m pip"):
        venv.provide(tmp_path, said.append)
    assert "Hashes are required in --require-hashes mode" in "\n".join(said)
    assert not list((tmp_path / ".venv").glob("*.sha256"))


@pytest.mark.parametrize("name", venv.REQUIREMENTS)
def test_changed_lock_is_installed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    commands: list[Sequence[str]] = []
    monkeypatch.setattr(command, "run", lambda arguments, _say: commands.append(arguments))
    (tmp_path / ".venv").mkdir()
    for lock in venv.REQUIREMENTS:
        (tmp_path / lock).touch()
    venv.provide(tmp_path, print)
    venv.provide(tmp_path, print)
    once = len(commands)
    (tmp_path / name).write_text("package==1")
    venv.provide(tmp_path, print)
    assert len(commands) == 2 * once > 0


def test_delivery_and_app_have_an_environment_each(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    folders: list[Path] = []
    monkeypatch.setattr(venv, "provide", lambda folder, _say: folders.append(folder))
    project.npm.install()
    for name in ("create", "serve"):
        executable(project.path / name, "installed")
    project.provide()
    project.provide_app()
    assert folders == [project.layout.root, project.layout.backend]
    (project.layout.backend / ".venv").unlink()
    project.provide_app()
    assert folders[2:] == [project.layout.backend]
