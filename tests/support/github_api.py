"""A fake of GitHub's API, for one repository with environments, secrets and variables."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.serving import serving

REPOSITORY = "octo/todo"
TOKEN = "github_pat_canary-token"
_PAGES = ("/user", *(f"/repos/{REPOSITORY}{page}" for page in ("", "/actions/permissions", "/environments")))


@dataclass
class GitHub:
    kept: Path  # a folder for each environment, with a file for each secret
    url: str = ""
    # By path, in place of the usual response.
    answers: dict[str, tuple[HTTPStatus, Any]] = field(default_factory=dict[str, tuple[HTTPStatus, Any]])
    headers: dict[str, str] = field(default_factory=dict[str, str])  # of every response

    @contextmanager
    def serve(self) -> Generator[None]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{server.server_port}"
        with serving(server):
            yield

    def command(self) -> str:
        """Return the shell script of a `gh` that writes to the same repository."""
        return f"""
            case "$1 $2" in
            "auth status") ;;
            "secret set") mkdir -p {self.kept}/$5 && cat > {self.kept}/$5/$3 ;;
            "variable set") mkdir -p {self.kept}/variables && cat > {self.kept}/variables/$3 ;;
            "api --method") mkdir -p {self.kept}/${{4##*/}} ;;
            api*) test -d {self.kept}/${{2##*/}} ;;
            *) exit 1 ;;
            esac
            """

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        github = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, answer = github._answer(self.path.partition("?")[0], self.headers.get("Authorization", ""))
                self.send_response(status)
                for name, value in github.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer if isinstance(answer, bytes) else json.dumps(answer).encode())

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler

    def _answer(self, path: str, authorization: str) -> tuple[HTTPStatus, Any]:
        if authorization != f"Bearer {TOKEN}":
            return HTTPStatus.UNAUTHORIZED, {"message": "Bad credentials"}
        usual = {page: (HTTPStatus.OK, {"login": "octocat"}) for page in _PAGES}
        if path in usual | self.answers:
            return (usual | self.answers)[path]
        match path.removeprefix(f"/repos/{REPOSITORY}/").split("/"):
            case ["environments", environment, "secrets"] if (self.kept / environment).is_dir():
                names = [file.name for file in (self.kept / environment).iterdir()]
                return HTTPStatus.OK, {"secrets": [{"name": name} for name in names]}
            case ["actions", "variables", name] if (self.kept / "variables" / name).exists():
                return HTTPStatus.OK, {"value": (self.kept / "variables" / name).read_text()}
            case _:
                return HTTPStatus.NOT_FOUND, {"message": "Not Found"}
