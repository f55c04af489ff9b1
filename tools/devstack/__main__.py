"""`python tools/devstack FOLDER` runs the app on this machine until Ctrl-C, for people who work on it.

Edits of backend/todo and frontend/src show at once. The data and the logs are in FOLDER.
"""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from devstack.backend import COHERE_API_KEY, backend, cohere, migrate, token
from devstack.daprd import daprd
from devstack.ports import is_free
from devstack.postgres import postgres
from devstack.process import PROVIDED, ProcessError, answers, running
from devstack.web import FRONTEND

# frontend/vite.config.ts leads /api there.
BACKEND_PORT = 8000
PAGE_PORT = 5173
USER = "demo"
TOPIC = "todo-events"
# Signs the tokens of this machine's own app, which nobody else can reach.
AUTH_SECRET = "a secret of this machine's app, which is no secret"  # noqa: S105


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(sys.argv[1]).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    try:
        with app(folder) as environment:
            _tell(folder, environment)
            signal.pause()
    except ProcessError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped")
    return 0


@contextmanager
def app(folder: Path) -> Generator[dict[str, str]]:
    """Everything, started in its order. Yields the backend's settings. Raises ProcessError."""
    for port in (BACKEND_PORT, PAGE_PORT):
        if not is_free(port):
            raise ProcessError(f"Something listens on port {port} already: stop it, and run this again.")
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
    """Cohere with the user's own key, else its stand-in."""
    if key := os.environ.get("COHERE_API_KEY"):
        return {"COHERE_API_KEY": key}
    return {"COHERE_API_KEY": COHERE_API_KEY, "COHERE_BASE_URL": parts.enter_context(cohere(folder / "cohere.log"))}


def _events(parts: ExitStack, folder: Path) -> dict[str, str]:
    """A sidecar, where there is one; without, the backend delivers its events itself."""
    if not (PROVIDED / "bin" / "daprd").exists():
        return {}
    resources = Path(__file__).with_name("dapr")
    sidecar = parts.enter_context(daprd(resources, "backend", BACKEND_PORT, folder / "daprd.log"))
    ports = {"DAPR_HTTP_PORT": str(sidecar.http_port), "DAPR_GRPC_PORT": str(sidecar.grpc_port)}
    return {"EVENTS_TOPIC": TOPIC, **ports}


@contextmanager
def _page(folder: Path) -> Generator[None]:
    # Not by npm, which ends without ending what it runs.
    vite = FRONTEND / "node_modules" / ".bin" / "vite"
    command = [vite, "--port", str(PAGE_PORT), "--strictPort", "--host", "127.0.0.1"]
    ready = lambda: answers(PAGE_PORT, "/")  # noqa: E731
    with running("the page's server", command, folder / "frontend.log", ready, folder=FRONTEND):
        yield


def _tell(folder: Path, environment: dict[str, str]) -> None:
    chat = "Cohere" if "COHERE_BASE_URL" not in environment else "a stand-in; set COHERE_API_KEY for Cohere"
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
