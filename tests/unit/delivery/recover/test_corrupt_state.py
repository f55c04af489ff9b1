"""A damaged state: what is told of it, which of the backend's own states takes its place, and what is refused."""

import gzip
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from delivery.__main__ import main
from tests.support.api_server import ApiServer
from tests.support.stuck_stack import BASE, RELEASED, USER, StuckStack

CUT_SHORT = "error: failed to load checkpoint: place 1: unexpected end of JSON input"
LOCKED = (
    "error: the stack is currently locked by 1 lock(s).\n  file:///x/.pulumi/locks/organization/todo-oke/oke/5e.json: "
    f"created by {USER}@" + "{host} (pid {pid}) at 2026-11-24T02:31:41Z\n"
)
_BEGAN = 1795487460  # 2026-11-24 02:31 UTC, in seconds
NEVER = 2**22 + 1  # above the highest number that Linux gives a process


class Backend:
    """A folder as the engine fills it; updates: how many the stack had."""

    def __init__(self, folder: Path) -> None:
        self.states = folder / ".pulumi/stacks/todo-oke"
        self.history = folder / ".pulumi/history/todo-oke/oke"
        self.updates = 0
        for made in (self.states, self.history):
            made.mkdir(parents=True)

    @property
    def state(self) -> Path:
        return self.states / "oke.json"

    def update(
        self,
        state: bytes,
        result: str = "succeeded",
        ending: str = "json",
        pack: Callable[[bytes], bytes] = bytes,
    ) -> None:
        """An update of 2026-11-24 02:31, that many minutes later as there were others."""
        self.updates += 1
        message, ended = f"Version {self.updates}\n\nmore", _BEGAN + 60 * self.updates
        record = {"result": result, "message": message, "endTime": ended}
        name = f"oke-{_BEGAN + self.updates}"
        (self.history / f"{name}.history.{ending}").write_bytes(pack(json.dumps(record).encode()))
        (self.history / f"{name}.history.{ending}.attrs").write_text("{}")
        (self.history / f"{name}.checkpoint.{ending}").write_bytes(pack(state))


def state_of(stack: str = "oke", note: str = "") -> bytes:
    resources = [{"urn": f"urn:pulumi:{stack}::todo-oke::pulumi:pulumi:Stack::todo-oke-oke", "note": note}]
    return json.dumps({"version": 3, "checkpoint": {"latest": {"resources": resources}}}).encode()


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return Backend(tmp_path / "state")


@pytest.fixture
def stack(tmp_path: Path, backend: Backend, api_server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> StuckStack:
    stuck = StuckStack(tmp_path / "engine", api_server, monkeypatch)
    stuck.keeps_state_in(f"file://{tmp_path}/state?no_tmp_dir=true")
    stuck.is_damaged(backend.states, CUT_SHORT)
    return stuck


def mended(capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["recover", "--yes"]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["recover", *arguments]) == 1
    shown = capsys.readouterr()
    assert "Nothing is stuck" not in shown.out
    return shown.out + shown.err


@pytest.mark.parametrize("damaged", [b"", state_of()[:40]], ids=["empty", "truncated"])
def test_a_state_that_was_cut_short_is_that_of_the_last_good_update_again(
    stack: StuckStack, backend: Backend, damaged: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.update(state_of(note="1"))
    backend.update(state_of(note="2"))
    backend.update(state_of(note="3"), "failed")
    backend.state.write_bytes(damaged)

    told = mended(capsys)

    assert told.startswith(
        f"stuck The state of stack oke cannot be read: {backend.state} ({len(damaged)} bytes).\n"
        "why   A write of it was cut short, as by a full disk: place 1: unexpected end of JSON input.\n"
        'mend  The state after update 2 ("Version 2", 2026-11-24 02:33:00 UTC), the last that succeeded, is restored.\n'
    )
    assert f"by    cp {backend.history}/oke-1795487462.checkpoint.json {backend.state}\n" in told
    assert "`pulumi up --refresh`" in told
    assert told.endswith("done\n\nNothing is stuck.\n    pulumi up --stack oke   goes on from here\n")
    assert backend.state.read_bytes() == state_of(note="2")
    (kept,) = backend.states.glob("*.damaged")
    assert kept.read_bytes() == damaged
    assert f"The damaged one is kept as {kept.name}.\n" in told
    assert {*backend.states.iterdir()} == {kept, backend.state}
    assert stack.changes == []


@pytest.mark.usefixtures("stack")
def test_a_saved_state_that_is_damaged_too_or_of_another_stack_is_passed_over(
    backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.update(state_of(note="good"))
    backend.update(state_of()[:40])
    backend.update(b"")
    backend.update(state_of("staging"))
    backend.update(b"null")
    for name, record in {"oke-1795487998": "", "oke-1795487999": "null"}.items():
        (backend.history / f"{name}.history.json").write_text(record)
    backend.state.write_bytes(b"")

    assert "The state after update 1 (" in mended(capsys)
    assert backend.state.read_bytes() == state_of(note="good")


@pytest.mark.usefixtures("stack")
def test_a_compressed_state_is_found_and_restored(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    backend.update(state_of(note="good"), ending="json.gz", pack=gzip.compress)
    backend.update(state_of(), ending="json.gz", pack=lambda text: gzip.compress(text)[:-20])
    backend.state.write_text("of the time before it was compressed")
    os.utime(backend.state, (0, 0))
    compressed = backend.states / "oke.json.gz"
    compressed.write_bytes(gzip.compress(state_of())[:20])

    assert f"{compressed} (20 bytes)" in mended(capsys)
    assert gzip.decompress(compressed.read_bytes()) == state_of(note="good")
    assert backend.state.read_text() == "of the time before it was compressed"


@pytest.mark.usefixtures("stack")
def test_where_no_whole_state_is_left_nothing_is_done(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    backend.update(state_of(), "failed")
    backend.state.write_bytes(b"")

    told = refused(capsys, "--yes")

    assert f"The state {backend.state} is damaged, and {backend.history} has no whole one" in told
    assert f"    cp BACKUP {backend.state}   from a backup of yours" in told
    assert [*backend.states.iterdir()] == [backend.state]


def test_the_state_of_another_stack_is_told_by_its_name(
    stack: StuckStack, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.update(state_of(note="good"))
    backend.state.write_bytes(state_of("staging"))
    stack.is_damaged(
        backend.states, "", [*BASE, *({**one, "urn": one["urn"].replace(":oke:", ":staging:")} for one in BASE)]
    )

    told = mended(capsys)

    assert "stuck The state of stack oke names resources of stack staging: " in told
    assert "why   The file of another stack was put in its place. An update would declare everything anew.\n" in told
    assert backend.state.read_bytes() == state_of(note="good")


def test_the_lock_of_a_running_update_comes_before_its_state(
    stack: StuckStack, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    backend.update(state_of(note="good"))
    backend.state.write_bytes(b"")
    update = stack.start_update()
    try:
        stack.is_locked(LOCKED.format(host=socket.gethostname(), pid=update.pid))
        told = refused(capsys, "--yes")
    finally:
        update.communicate(b"\n")

    assert "An update of stack oke is running" in told
    assert backend.state.read_bytes() == b""

    stack.is_locked(LOCKED.format(host=socket.gethostname(), pid=NEVER))
    stack.is_locked("error: a stack named oke already exists", by="cancel")
    told = mended(capsys)
    assert told.index("is locked by") < told.index("cannot be read")


@pytest.mark.usefixtures("stack")
def test_without_consent_nothing_is_restored(backend: Backend, capsys: pytest.CaptureFixture[str]) -> None:
    backend.update(state_of(note="good"))
    backend.state.write_bytes(b"")

    assert "There is nobody here to ask" in refused(capsys)
    assert [*backend.states.iterdir()] == [backend.state]


@pytest.mark.usefixtures("stack")
def test_a_disk_that_is_still_full_is_told_and_nothing_is_left_half_done(
    backend: Backend, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend.update(state_of(note="good"))
    backend.state.write_bytes(b"{")

    def full(source: Path, target: Path) -> None:
        if source == backend.state:
            target.write_bytes(b"{")
            return
        target.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy", full)

    told = refused(capsys, "--yes")

    assert f"The state cannot be restored in {backend.states}: No space left on device.\n    df " in told
    assert [*backend.states.iterdir()] == [backend.state]
    assert backend.state.read_bytes() == b"{"


OCI = "s3://state/team?endpoint=https://ns.compat.objectstorage.eu-frankfurt-1.oraclecloud.com&region=x"


@pytest.mark.parametrize(
    ("url", "command"),
    [
        (
            OCI,
            "oci os object list-object-versions --bucket-name state --prefix team/.pulumi/stacks/todo-app/oke.json",
        ),
        (
            "s3://todo-state?region=eu-central-1",
            "aws s3api list-object-versions --bucket todo-state --prefix .pulumi/stacks/todo-app/oke.json",
        ),
    ],
)
def test_a_bucket_is_not_written_from_here(
    stack: StuckStack, url: str, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.keeps_state_in(url)

    told = refused(capsys, "--yes", "--stack", "organization/todo-app/oke")

    assert "The state of stack organization/todo-app/oke cannot be read. A write of it was cut short" in told
    assert f"put the object's last version from before the damage in its place.\n    {command}" in told
    assert stack.changes == []


def test_the_state_of_another_stack_in_pulumi_cloud(
    stack: StuckStack, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.keeps_state_in("https://app.pulumi.com/ann")
    stack.is_damaged(backend.states, "", [{**RELEASED, "urn": RELEASED["urn"].replace(":oke:", ":staging:")}])

    assert "    pulumi stack export --stack oke --version N | pulumi stack import --stack oke" in refused(capsys)


def test_a_backend_that_does_not_answer_is_no_damage(
    stack: StuckStack, backend: Backend, capsys: pytest.CaptureFixture[str]
) -> None:
    error = 'error: failed to load checkpoint: blob (key ".pulumi/stacks/todo-oke/oke.json") (code=Unknown): no route'
    stack.is_damaged(backend.states, error)

    told = refused(capsys, "--yes")

    assert error in told
    assert "cut short" not in told
