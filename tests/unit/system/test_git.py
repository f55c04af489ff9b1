"""Build contexts and commits in real repositories."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from system import git
from system.errors import UserError
from system.git import revision
from tests.support.checkout import Checkout

FRONTEND, BACKEND = Path("frontend"), Path("backend")


@pytest.fixture(autouse=True)
def usual_modes() -> Iterator[None]:
    mask = os.umask(0o022)
    yield
    os.umask(mask)


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    return Checkout(tmp_path / "project", monkeypatch)


@pytest.fixture
def repository(empty: Checkout) -> Checkout:
    empty.commit({".gitignore": "", "frontend/page": "1", "backend/app": "1"})
    return empty


def write(path: str, content: str = "") -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(content)


def failure(context: Path = BACKEND) -> UserError:
    with pytest.raises(UserError) as error:
        revision(context)
    return error.value


def test_revision_is_the_last_commit_of_the_context(repository: Checkout) -> None:
    committed = repository.commit({"backend/app": "2"})
    time = int(repository.git("log", "-1", "--format=%ct"))
    elsewhere = repository.commit({"README.md": "2", "frontend/page": "2"})

    at = revision(BACKEND)

    assert (at.commit, at.short, at.time) == (committed, committed[:7], time)
    assert revision(FRONTEND).commit == elsewhere


def test_deleted_file_changes_the_revision(repository: Checkout) -> None:
    repository.commit({"backend/old": "2"})
    Path("backend/old").unlink()

    assert revision_after(repository.commit({}))


def test_merge_of_two_changes_is_its_own_revision(repository: Checkout) -> None:
    repository.git("switch", "--quiet", "--create", "other")
    repository.commit({"backend/theirs": "2"})
    repository.git("switch", "--quiet", "main")
    repository.commit({"backend/ours": "2"})
    repository.git("merge", "--quiet", "--no-edit", "other")

    assert revision_after(repository.git("rev-parse", "HEAD"))


def test_shown_signatures_do_not_change_the_revision(repository: Checkout) -> None:
    subprocess.run(["ssh-keygen", "-q", "-N", "", "-t", "ed25519", "-f", ".git/key"], check=True)
    for key, value in {"gpg.format": "ssh", "user.signingKey": ".git/key", "log.showSignature": "true"}.items():
        repository.git("config", key, value)
    repository.git("config", "commit.gpgSign", "true")

    assert revision_after(repository.commit({"backend/app": "2"}))


def test_executables_and_links_have_usual_modes(repository: Checkout) -> None:
    Path("backend/link").symlink_to("app")
    write("backend/program")
    Path("backend/program").chmod(0o755)

    assert revision_after(repository.commit({}))


def revision_after(commit: str) -> bool:
    return revision(BACKEND).commit == commit


def test_changes_outside_of_the_context_and_ignored_files_are_allowed(repository: Checkout) -> None:
    repository.commit({".gitignore": "*.pyc"})
    write("backend/app.pyc")
    write("frontend/page", "changed")
    write("notes")

    assert revision(BACKEND)


def test_folder_without_any_commit_has_no_revision(empty: Checkout) -> None:
    write("backend/app")
    assert "backend" in failure().message

    shutil.rmtree(empty.folder / ".git")
    assert "backend" in failure().message


def test_shallow_checkout_has_no_revision(repository: Checkout) -> None:
    repository.commit({"README.md": "2"})
    repository.git("clone", "--quiet", "--depth=1", f"file://{Path.cwd()}", "shallow")

    assert failure(Path("shallow/backend")).hint == "git fetch --unshallow"


@pytest.mark.parametrize("change", ["backend/app", "backend/new/folder/file"])
@pytest.mark.parametrize("command", ["status", "add"])
def test_uncommitted_change_is_reported(repository: Checkout, change: str, command: str) -> None:
    repository.git("config", "status.showUntrackedFiles", "no")
    write(change, "changed")
    repository.git(command, ".")

    assert change in failure().message
    assert failure().hint == "git add backend && git commit"


@pytest.mark.parametrize("mode", [0o600, 0o664])
def test_file_mode_of_another_umask_is_reported(repository: Checkout, mode: int) -> None:
    repository.commit({"backend/other": "2"})
    Path("backend/other").chmod(mode)

    assert "backend/other" in failure().message
    assert failure().hint == "chmod -R u=rwX,go=rX backend"
    assert revision(FRONTEND)


def test_missing_git_is_reported_with_its_guide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "https://git-scm.com/downloads" in failure().message


def test_commits_are_compared(repository: Checkout) -> None:
    first = repository.git("rev-parse", "HEAD")
    second = repository.commit({"backend/app": "2", "backend/new": "2"})

    assert git.show(first, "backend/app") == "1"
    assert git.show(first, "backend/new") is None
    assert git.files(second, "backend") == ["backend/app", "backend/new"]
    assert git.changed_files(first, second, "backend", "frontend") == ["backend/app", "backend/new"]
    assert [line.split()[0] for line in git.log(first, second)] == [second[:7]]
    assert git.last_touching(second, "frontend") == first
    assert git.author(second) == "Ann"
    assert git.is_ancestor(first, second)
    assert not git.is_ancestor(second, first)


@pytest.mark.usefixtures("repository")
def test_commit_that_the_checkout_lacks_has_no_contents() -> None:
    gone = "5e" * 20

    assert not git.has(gone)
    assert git.author(gone) is None
    assert git.last_touching(gone, "backend") is None
    assert git.files(gone, "backend") == []
