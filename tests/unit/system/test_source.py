"""Contexts in real repositories."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from system.errors import UserError
from system.source import revision

FRONTEND, BACKEND = Path("frontend"), Path("backend")


class Repository:
    """A repository in the working folder, with one commit a second."""

    def __init__(self) -> None:
        self._time = 1_700_000_000
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = {
            f"GIT_{role}_{part}": "dev@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
        }
        times = {"GIT_COMMITTER_DATE": f"{self._time} +0100", "GIT_AUTHOR_DATE": f"{self._time - 100} +0100"}
        environment = {**os.environ, **identity, **times}
        return subprocess.run(["git", *arguments], env=environment, check=True, capture_output=True, text=True).stdout

    def commit(self, *paths: str) -> str:
        """Commits a change of files; returns the commit."""
        self._time += 1
        for path in paths:
            write(path, f"{self._time}")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=change")
        return self.head

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()


def write(path: str, content: str = "") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.fixture
def repository() -> Repository:
    repository = Repository()
    repository.commit(".gitignore", "frontend/page", "backend/app")
    return repository


def refusal(context: Path = BACKEND) -> str:
    with pytest.raises(UserError) as error:
        revision(context)
    return str(error.value)


def test_a_revision_is_the_commit_and_when_it_was_made(repository: Repository) -> None:
    at = revision(BACKEND)

    assert at.commit == repository.head
    assert re.fullmatch("[0-9a-f]{40}", at.commit)
    assert at.short == at.commit[:7]
    assert at.time == 1_700_000_001


def test_a_commit_beside_the_context_makes_no_other_revision(repository: Repository) -> None:
    before = revision(BACKEND)
    elsewhere = repository.commit("README.md", "frontend/page")

    assert revision(BACKEND) == before
    assert revision(FRONTEND).commit == elsewhere


def test_a_commit_in_the_context_makes_another_revision(repository: Repository) -> None:
    committed = repository.commit("backend/app")

    assert revision(BACKEND).commit == committed


def test_a_deleted_file_makes_another_revision(repository: Repository) -> None:
    repository.commit("backend/old")
    Path("backend/old").unlink()

    deleting = repository.commit("README.md")

    assert revision(BACKEND).commit == deleting


def test_a_merge_that_joins_two_changes_of_the_context_is_a_revision_of_its_own(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit("backend/theirs")
    repository.git("switch", "--quiet", "main")
    repository.commit("backend/ours")
    repository.git("merge", "--quiet", "--no-edit", "other")

    assert revision(BACKEND).commit == repository.head


def test_signatures_that_are_shown_are_no_part_of_the_commit(repository: Repository) -> None:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", ".git/key"], check=True)
    for key, value in {"gpg.format": "ssh", "user.signingKey": ".git/key", "log.showSignature": "true"}.items():
        repository.git("config", key, value)
    repository.git("config", "commit.gpgSign", "true")
    committed = repository.commit("backend/app")

    assert revision(BACKEND).commit == committed


def test_a_folder_that_is_no_checkout_is_refused() -> None:
    write("backend/app")

    assert "git cannot tell which commit backend is at: fatal: not a git repository" in refusal()
    assert "pulumi config set imageSource registry" in refusal()


def test_a_shallow_checkout_is_refused(repository: Repository) -> None:
    repository.commit("README.md")
    repository.git("clone", "--quiet", "--depth=1", f"file://{Path.cwd()}", "shallow")

    assert "is shallow" in refusal(Path("shallow/backend"))
    assert "git fetch --unshallow" in refusal(Path("shallow/backend"))


def test_a_context_without_a_commit_is_refused(repository: Repository) -> None:
    Path("new").mkdir()

    assert "new has no commit" in refusal(Path("new"))
    assert repository.head


def test_a_repository_without_a_commit_is_refused() -> None:
    Repository()
    write("backend/app")

    assert "git cannot tell which commit backend is at" in refusal()


@pytest.mark.parametrize("change", ["backend/app", "backend/new", "backend/new/folder/file"])
def test_a_change_without_a_commit_is_refused(repository: Repository, change: str) -> None:
    repository.git("config", "status.showUntrackedFiles", "no")
    write(change, "changed")

    assert f"backend has changes that no commit has ({change})" in refusal()
    assert "git add backend && git commit" in refusal()


def test_of_many_changes_a_few_are_named(repository: Repository) -> None:
    for name in "abc":
        write(f"backend/{name}")
    assert "(backend/a, backend/b, backend/c)" in refusal()

    write("backend/d")
    assert "(backend/a, backend/b, backend/c, …)" in refusal()
    assert repository.head


def test_a_staged_change_is_refused(repository: Repository) -> None:
    write("backend/app", "changed")
    repository.git("add", "--all")

    assert "that no commit has" in refusal()


def test_changes_beside_the_context_and_ignored_files_are_no_matter(repository: Repository) -> None:
    write(".gitignore", "*.pyc")
    repository.git("add", "--all")
    repository.git("commit", "--quiet", "--message=ignore")
    write("backend/app.pyc")
    write("frontend/page", "changed")
    write("notes")

    assert revision(BACKEND)


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_a_file_with_the_mode_of_another_umask_is_refused(repository: Repository, mode: int) -> None:
    repository.commit("backend/other")
    Path("backend/other").chmod(mode)

    assert "backend/other has another mode than 644 or 755" in refusal()
    assert "chmod -R u=rwX,go=rX backend" in refusal()
    assert revision(FRONTEND)


def test_programs_and_links_are_no_odd_files(repository: Repository) -> None:
    Path("backend/link").symlink_to("app")
    write("backend/program")
    Path("backend/program").chmod(0o755)

    assert repository.commit() == revision(BACKEND).commit


def test_a_machine_without_git_is_told_where_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert shutil.which("git") is None
    assert "git is not on PATH" in refusal()
    assert "https://git-scm.com/downloads" in refusal()
