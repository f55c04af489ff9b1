"""Build contexts and commits in real repositories."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from system import git
from system.errors import UserError
from system.git import revision

FRONTEND, BACKEND = Path("frontend"), Path("backend")


class Repository:
    """A repository in the working folder, with one commit a second."""

    def __init__(self) -> None:
        self.time = 1_700_000_000
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        identity = {
            f"GIT_{role}_{part}": "dev@example.com" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")
        }
        times = {"GIT_COMMITTER_DATE": f"{self.time} +0100", "GIT_AUTHOR_DATE": f"{self.time - 100} +0100"}
        environment = {**os.environ, **identity, **times}
        return subprocess.run(["git", *arguments], env=environment, check=True, capture_output=True, text=True).stdout

    def commit(self, *paths: str) -> str:
        """Commits a change of files; returns the commit."""
        self.time += 1
        for path in paths:
            write(path, f"{self.time}")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=change")
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


def failure(context: Path = BACKEND) -> UserError:
    with pytest.raises(UserError) as error:
        revision(context)
    return error.value


def test_revision_is_the_last_commit_and_its_time(repository: Repository) -> None:
    committed = repository.commit("backend/app")

    at = revision(BACKEND)

    assert (at.commit, at.short, at.time) == (committed, committed[:7], repository.time)


def test_revision_ignores_commits_outside_of_the_context(repository: Repository) -> None:
    before = revision(BACKEND)
    elsewhere = repository.commit("README.md", "frontend/page")

    assert revision(BACKEND) == before
    assert revision(FRONTEND).commit == elsewhere


def test_deleted_file_changes_the_revision(repository: Repository) -> None:
    repository.commit("backend/old")
    Path("backend/old").unlink()

    assert revision_after(repository.commit("README.md"))


def test_merge_of_two_changes_is_its_own_revision(repository: Repository) -> None:
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit("backend/theirs")
    repository.git("switch", "--quiet", "main")
    repository.commit("backend/ours")
    repository.git("merge", "--quiet", "--no-edit", "other")

    assert revision_after(repository.git("rev-parse", "HEAD").strip())


def test_shown_signatures_do_not_change_the_revision(repository: Repository) -> None:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", ".git/key"], check=True)
    for key, value in {"gpg.format": "ssh", "user.signingKey": ".git/key", "log.showSignature": "true"}.items():
        repository.git("config", key, value)
    repository.git("config", "commit.gpgSign", "true")

    assert revision_after(repository.commit("backend/app"))


def test_executables_and_links_have_usual_modes(repository: Repository) -> None:
    Path("backend/link").symlink_to("app")
    write("backend/program")
    Path("backend/program").chmod(0o755)

    assert revision_after(repository.commit())


def revision_after(commit: str) -> bool:
    return revision(BACKEND).commit == commit


def test_changes_outside_of_the_context_and_ignored_files_are_allowed(repository: Repository) -> None:
    write(".gitignore", "*.pyc")
    repository.commit()
    write("backend/app.pyc")
    write("frontend/page", "changed")
    write("notes")

    assert revision(BACKEND)


@pytest.mark.parametrize("is_repository", [False, True])
def test_folder_without_any_commit_has_no_revision(is_repository: bool) -> None:  # noqa: FBT001 (a parameter of pytest)
    write("backend/app")
    if is_repository:
        Repository()

    assert "backend" in failure().message


def test_shallow_checkout_has_no_revision(repository: Repository) -> None:
    repository.commit("README.md")
    repository.git("clone", "--quiet", "--depth=1", f"file://{Path.cwd()}", "shallow")

    assert failure(Path("shallow/backend")).hint == "git fetch --unshallow"


@pytest.mark.usefixtures("repository")
def test_context_without_a_commit_has_no_revision() -> None:
    Path("new").mkdir()

    assert "no commit" in failure(Path("new")).message


@pytest.mark.parametrize("change", ["backend/app", "backend/new", "backend/new/folder/file"])
@pytest.mark.parametrize("command", ["status", "add"])
def test_uncommitted_change_is_reported(repository: Repository, change: str, command: str) -> None:
    repository.git("config", "status.showUntrackedFiles", "no")
    write(change, "changed")
    repository.git(command, ".")

    assert change in failure().message
    assert failure().hint == "git add backend && git commit"


@pytest.mark.usefixtures("repository")
def test_long_list_of_changes_is_cut() -> None:
    for name in "abcdefgh":
        write(f"backend/{name}")

    assert "backend/a" in failure().message
    assert "backend/h" not in failure().message


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_file_mode_of_another_umask_is_reported(repository: Repository, mode: int) -> None:
    repository.commit("backend/other")
    Path("backend/other").chmod(mode)

    assert "backend/other" in failure().message
    assert failure().hint == "chmod -R u=rwX,go=rX backend"
    assert revision(FRONTEND)


def test_missing_git_is_reported_with_its_guide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "https://git-scm.com/downloads" in failure().message


def test_commits_are_compared(repository: Repository) -> None:
    first = repository.git("rev-parse", "HEAD").strip()
    second = repository.commit("backend/app", "backend/new")

    assert git.show(first, "backend/app") == "1700000001"
    assert git.show(first, "backend/new") is None
    assert git.files(second, "backend") == ["backend/app", "backend/new"]
    assert git.changed_files(first, second, "backend", "frontend") == ["backend/app", "backend/new"]
    assert [line.split()[0] for line in git.log(first, second)] == [second[:7]]
    assert git.last_touching(second, "frontend") == first
    assert git.author(second) == "dev@example.com"
    assert git.is_ancestor(first, second)
    assert not git.is_ancestor(second, first)


@pytest.mark.usefixtures("repository")
def test_commit_that_the_checkout_lacks_has_no_contents() -> None:
    gone = "5e" * 20

    assert not git.has(gone)
    assert git.author(gone) is None
    assert git.last_touching(gone, "backend") is None
    assert git.files(gone, "backend") == []
