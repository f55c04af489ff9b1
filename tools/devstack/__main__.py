"""Run the app on this machine until Ctrl-C: `python tools/devstack FOLDER`.

Edits of backend/todo and frontend/src show at once. The data and the logs are in FOLDER.
"""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2]))

from devstack.backend import COHERE_API_KEY, backend, cohere, migrate, token
from devstack.daprd import daprd
from devstack.ports import is_free
from devstack.postgres import postgres
from devstack.process import PROVIDED, answers, running
from devstack.web import FRONTEND
from system.errors import UserError
from system.signals import handle_termination

# As frontend/vite.config.ts forwards /api.
BACKEND_PORT = 8000
PAGE_PORT = 5173
USER = "demo"
TOPIC = "todo-events"
# Signs tokens of an app that only this machine reaches.
AUTH_SECRET = "a secret of this machine's app, which is no secret"  # noqa: S105


def main() -> int:
    handle_termination()
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with app(folder) as environment:
            _echo(folder, environment)
            signal.pause()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


@contextmanager
def app(folder: Path) -> Generator[dict[str, str]]:
    """Start everything in order and yield the backend's settings. Raises UserError."""
    for port in (BACKEND_PORT, PAGE_PORT):
        if not is_free(port):
            raise UserError(f"Another process listens on port {port}, which the app needs.", f"lsof -i :{port}")
    with ExitStack() as parts:
        database = parts.enter_context(postgres(folder / "postgres"))
        migrate(database)
        environment = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": database,
            "BETTER_AUTH_SECRET": AUTH_SECRET,
            **_chat(parts, folder),
            **_events(parts, folder),
        }
        reload = ("-m", "uvicorn", "--factory", "dev.server:app", "--reload", "--reload-dir", "todo")
        serve = (*reload, "--port", str(BACKEND_PORT))
        parts.enter_context(backend(environment, BACKEND_PORT, folder / "backend.log", serve))
        parts.enter_context(_page(folder))
        yield environment


def _chat(parts: ExitStack, folder: Path) -> dict[str, str]:
    """Return the settings of Cohere with the user's own key, else of a fake Cohere."""
    if key := os.environ.get("COHERE_API_KEY"):
        return {"COHERE_API_KEY": key}
    return {"COHERE_API_KEY": COHERE_API_KEY, "COHERE_BASE_URL": parts.enter_context(cohere(folder / "cohere.log"))}


def _events(parts: ExitStack, folder: Path) -> dict[str, str]:
    """Return the settings of a sidecar, where daprd exists; the backend else delivers its events itself."""
    if not (PROVIDED / "bin" / "daprd").exists():
        return {}
    resources = Path(__file__).with_name("dapr")
    sidecar = parts.enter_context(daprd(resources, "backend", BACKEND_PORT, folder / "daprd.log"))
    ports = {"DAPR_HTTP_PORT": str(sidecar.http_port), "DAPR_GRPC_PORT": str(sidecar.grpc_port)}
    return {"EVENTS_TOPIC": TOPIC, **ports}


@contextmanager
def _page(folder: Path) -> Generator[None]:
    # Not by npm, which leaves its child behind.
    vite = FRONTEND / "node_modules" / ".bin" / "vite"
    command = [vite, "--port", str(PAGE_PORT), "--strictPort", "--host", "127.0.0.1"]
    ready = lambda: answers(PAGE_PORT, "/")  # noqa: E731
    with running("the page's server", command, folder / "frontend.log", ready, folder=FRONTEND):
        yield


def _echo(folder: Path, environment: dict[str, str]) -> None:
    chat = "Cohere" if "COHERE_BASE_URL" not in environment else "a fake; set COHERE_API_KEY for Cohere"
    events = "through daprd" if "EVENTS_TOPIC" in environment else "without a sidecar"
    print(f"""
The app runs at http://127.0.0.1:{PAGE_PORT}
  sign in as {USER} with this token, which is valid for a day:
  {token(USER, environment)}
  chat: {chat}; events: {events}
  logs: {folder}; Ctrl-C stops everything
""")


if __name__ == "__main__":
    sys.exit(main())
