"""A publisher's site, on the loopback interface."""

import hashlib
import http.server
import io
import tarfile
import threading
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Publisher:
    """Serves `files` by path; `asked` are the paths that were asked for, `broken` those that it breaks off."""

    address: str
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    asked: list[str] = field(default_factory=list[str])
    broken: set[str] = field(default_factory=set[str])

    def publish(self, path: str, content: bytes, checksums: str) -> None:
        """Serves `content`, and its sum in a list that names another file first."""
        name = path.rsplit("/", 1)[1]
        self.files[path] = content
        self.files[checksums] = f"{'0' * 64}  other-{name}\n{hashlib.sha256(content).hexdigest()}  {name}\n".encode()


@contextmanager
def serving() -> Generator[Publisher]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            publisher.asked.append(self.path)
            content = publisher.files.get(self.path)
            if content is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if self.path in publisher.broken else content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's name
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        publisher = Publisher(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield publisher
        finally:
            server.shutdown()
            thread.join()


def tar(members: Mapping[str, str]) -> bytes:
    """A .tar.gz of these texts."""
    output = io.BytesIO()
    with tarfile.open(fileobj=output, mode="w:gz") as archive:
        for name, text in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return output.getvalue()


def zipped(members: Mapping[str, str]) -> bytes:
    """A .zip of these texts."""
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return output.getvalue()
