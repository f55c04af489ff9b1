"""State in a bucket of OCI Object Storage: the real engine, a real S3 server, and OCI's rejections between them."""

import hashlib
import hmac
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from delivery.engine import state
from tests.support.object_storage import (
    ACCESS_KEY,
    CHECKSUM,
    CHUNKED,
    PAYLOAD,
    SECRET_KEY,
    VIRTUAL_HOST,
    ObjectStorage,
    Refusal,
)
from tests.support.oci_api import REGION
from tests.support.project import ROOT, Outcome

pytestmark = pytest.mark.integration

BUCKET = "todo-state"
PASSWORD = "canary-password-41c7"
PASSPHRASE = "canary-passphrase-6e02"
LARGE = 6_000_000  # bytes: more than the SDK's uploads of 5 MiB
SECONDS = 30

PROGRAM = """\
import time
from pathlib import Path

import pulumi

config = pulumi.Config()
component = pulumi.ComponentResource("todo:state:Component", "component")
component.register_outputs({"password": config.require_secret("password")})
pulumi.export("greeting", config.require("greeting"))
pulumi.export("padding", "x" * config.get_int("padding", 0))
Path("running").touch()
while Path("hold").exists():
    time.sleep(0.05)
"""


@dataclass(frozen=True)
class Stack:
    """The stack `dev` of the program in `folder`, run with `environment`."""

    folder: Path
    environment: Mapping[str, str]

    def run(self, *command: str, **environment: str) -> Outcome:
        process = self._start(command, environment)
        text, _ = process.communicate(timeout=SECONDS)
        return Outcome(process.returncode, text)

    def do(self, *command: str) -> str:
        outcome = self.run(*command)
        assert outcome.code == 0, f"{' '.join(command)} exited with {outcome.code}:\n{outcome.text}"
        return outcome.text

    def up(self, **environment: str) -> Outcome:
        return self.run("up", "--yes", "--skip-preview", **environment)

    @contextmanager
    def held_up(self) -> Generator[subprocess.Popen[str]]:
        """An `up` whose program runs until the end of the block."""
        hold, program_runs = self.folder / "hold", self.folder / "running"
        hold.touch()
        program_runs.unlink(missing_ok=True)
        process = self._start(["up", "--yes", "--skip-preview"], {})
        try:
            deadline = time.monotonic() + SECONDS
            while not program_runs.exists():
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        finally:
            hold.unlink()
            process.communicate(timeout=SECONDS)

    def history(self) -> list[str]:
        """The result of each update, the newest first."""
        return [update["result"] for update in json.loads(self.do("stack", "history", "--json"))]

    def recover(self) -> Outcome:
        done = subprocess.run(
            ["python", "-m", "delivery", "recover", "--stack", "dev", "--yes"],
            cwd=self.folder,
            env={**self.environment, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Outcome(done.returncode, done.stdout)

    def _start(self, command: tuple[str, ...] | list[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["pulumi", *command],
            cwd=self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStorage]:
    storage = ObjectStorage(tmp_path_factory.mktemp("storage"))
    with storage.serve():
        (storage.buckets / BUCKET).mkdir()
        yield storage


@pytest.fixture(scope="module")
def stack(storage: ObjectStorage, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The stack after its first update, in an environment without the user's variables."""
    folder = tmp_path_factory.mktemp("stack")
    (folder / "Pulumi.yaml").write_text("name: stateful\nruntime: python\n")
    (folder / "__main__.py").write_text(PROGRAM)
    url = state.object_storage_url("axns", REGION, BUCKET)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PULUMI_"))}
    environment = {
        **inherited,
        "PATH": os.pathsep.join([str(ROOT / ".tools/bin"), str(ROOT / ".venv/bin"), os.environ["PATH"]]),
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "NO_PROXY": "127.0.0.1",
        "AWS_CA_BUNDLE": str(storage.certificate),
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "PULUMI_BACKEND_URL": url.replace(f"axns.compat.objectstorage.{REGION}.oraclecloud.com", storage.authority),
        "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    stack = Stack(folder, environment)
    stack.do("stack", "init", "dev")
    stack.do("config", "set", "greeting", "hello")
    stack.do("config", "set", "--secret", "password", PASSWORD)
    assert stack.up().code == 0
    return stack


def test_second_update_finds_the_state(stack: Stack, storage: ObjectStorage) -> None:
    stack.do("config", "set", "greeting", "good evening")

    second = stack.up()

    assert second.code == 0
    assert '"hello" => "good evening"' in second.text
    assert "2 unchanged" in second.text
    assert stack.history() == ["succeeded", "succeeded"]
    assert storage.refused == []


def test_concurrent_update_names_the_holder_of_the_lock(stack: Stack) -> None:
    before, since = stack.history(), datetime.now(UTC).replace(microsecond=0)

    with stack.held_up() as first:
        second = stack.up()
        refused = stack.recover()

    assert second.code != 0
    assert "the stack is currently locked by 1 lock(s)" in second.text
    assert "`pulumi cancel`" in second.text
    holder = re.search(rf"created by \S+@{re.escape(socket.gethostname())} \(pid {first.pid}\) at (\S+)", second.text)
    assert holder, second.text
    assert since <= datetime.fromisoformat(holder[1]) <= datetime.now(UTC)
    assert refused.code == 1
    assert "An update of stack dev is running: " in refused.text
    assert f"(pid {first.pid}) since {holder[1]}." in refused.text
    assert first.returncode == 0
    assert stack.history() == ["succeeded", *before]


def test_lock_of_a_killed_update_is_removed_by_recover(stack: Stack) -> None:
    with stack.held_up() as killed:
        killed.send_signal(signal.SIGKILL)

    assert f"(pid {killed.pid})" in stack.up().text
    recovered = stack.recover()
    assert recovered.code == 0, recovered.text
    assert f"(pid {killed.pid})" in recovered.text
    assert recovered.text.endswith("Nothing is stuck.\nhint: pulumi up --stack dev\n")
    assert stack.up().code == 0


def test_wrong_passphrase_changes_nothing(stack: Stack, storage: ObjectStorage) -> None:
    before = storage.objects(BUCKET)

    failed = stack.up(PULUMI_CONFIG_PASSPHRASE="another")

    assert failed.code != 0
    assert "incorrect passphrase" in failed.text
    assert storage.objects(BUCKET) == before


def test_checksums_that_oci_rejects_prevent_an_update(stack: Stack, storage: ObjectStorage) -> None:
    before = storage.objects(BUCKET)

    failed = stack.up(AWS_REQUEST_CHECKSUM_CALCULATION="when_supported")

    assert failed.code != 0
    assert "NotImplemented: AWS chunked encoding not supported" in failed.text
    assert storage.objects(BUCKET) == before
    assert storage.refused[-1] == CHUNKED


def test_large_state_is_stored(stack: Stack, storage: ObjectStorage) -> None:
    stack.do("config", "set", "padding", str(LARGE))
    assert stack.up().code == 0
    assert max(map(len, storage.objects(BUCKET).values())) > LARGE

    stack.do("config", "rm", "padding")
    assert stack.up().code == 0


def test_secrets_are_encrypted_in_every_object(stack: Stack, storage: ObjectStorage) -> None:
    objects = storage.objects(BUCKET)

    assert '"ciphertext"' in objects[".pulumi/stacks/stateful/dev.json"].decode()
    assert any(b'"greeting"' in content for content in objects.values())
    for secret in (PASSWORD, PASSPHRASE, SECRET_KEY):
        assert [name for name, content in objects.items() if secret.encode() in content] == []
    assert PASSWORD in stack.do("config", "get", "password")


def signed(url: str, headers: Mapping[str, str], secret_key: str = SECRET_KEY) -> dict[str, str]:
    """The headers of a PUT, in lower case, with the signature that S3 wants.

    Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
    """
    target = urlsplit(url)
    time_of_day = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{time_of_day[:8]}/{REGION}/s3/aws4_request"
    all_headers = {
        "host": target.netloc,
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
        "x-amz-date": time_of_day,
        **headers,
    }
    names = ";".join(sorted(all_headers))
    lines = [f"{name}:{all_headers[name]}" for name in sorted(all_headers)]
    request = "\n".join(["PUT", target.path, "", *lines, "", names, all_headers["x-amz-content-sha256"]])
    text = f"AWS4-HMAC-SHA256\n{time_of_day}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    credential = f"Credential={ACCESS_KEY}/{scope},SignedHeaders={names},Signature={signature}"
    return {**all_headers, "authorization": f"AWS4-HMAC-SHA256 {credential}"}


def put(storage: ObjectStorage, url: str, headers: Mapping[str, str], body: bytes = b"hello") -> httpx2.Response:
    context = ssl.create_default_context(cafile=str(storage.certificate))
    with httpx2.Client(verify=context, trust_env=False) as client:
        return client.put(url, content=body, headers=dict(headers))


CRC32 = "NhCmhg=="  # of hello
CHUNKS = f"5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{CRC32}\r\n\r\n".encode()
IN_CHUNKS = {
    "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "x-amz-decoded-content-length": "5",
    "x-amz-trailer": "x-amz-checksum-crc32",
}


@pytest.mark.parametrize(
    ("headers", "body", "refused"),
    [
        ({"content-encoding": "aws-chunked", **IN_CHUNKS}, CHUNKS, CHUNKED),
        (IN_CHUNKS, CHUNKS, PAYLOAD),
        ({"x-amz-checksum-crc32": CRC32}, b"hello", CHECKSUM),
        ({"x-amz-sdk-checksum-algorithm": "CRC32", "x-amz-checksum-crc32": CRC32}, b"hello", CHECKSUM),
        ({"x-amz-checksum-crc64nvme": "M3eFcAZSQlc="}, b"hello", CHECKSUM),
    ],
)
def test_double_rejects_the_uploads_that_oci_rejects(
    storage: ObjectStorage, headers: Mapping[str, str], body: bytes, refused: Refusal
) -> None:
    behind, url = (f"{site}/{BUCKET}/tried" for site in (f"http://{storage.server}", f"https://{storage.authority}"))
    assert put(storage, behind, signed(behind, headers), body).status_code == HTTPStatus.OK

    answer = put(storage, url, signed(url, headers), body)

    assert (answer.status_code, answer.content) == (refused.status, refused.document())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-amz-content-sha256": hashlib.sha256(b"hello").hexdigest()},
        {"x-amz-checksum-sha256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="},
        {"x-amz-sdk-checksum-algorithm": "CRC32C", "x-amz-checksum-crc32c": "mnG7TA=="},
    ],
)
def test_double_accepts_the_uploads_that_oci_accepts(storage: ObjectStorage, headers: Mapping[str, str]) -> None:
    url = f"https://{storage.authority}/{BUCKET}/tried"
    assert put(storage, url, signed(url, headers)).status_code == HTTPStatus.OK


def test_double_rejects_unsigned_requests_and_virtual_hosts(storage: ObjectStorage) -> None:
    url = f"https://{storage.authority}/{BUCKET}/tried"
    for unsigned in ({}, signed(url, {}, secret_key="another")):
        assert put(storage, url, unsigned).status_code == HTTPStatus.FORBIDDEN

    answer = put(storage, url, signed(url, {"host": f"{BUCKET}.{storage.authority}"}))

    assert (answer.status_code, answer.content) == (VIRTUAL_HOST.status, VIRTUAL_HOST.document())
