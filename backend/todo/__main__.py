"""`python -m todo` serves the app; `python -m todo token USER` prints a bearer token for a user."""

import argparse
import sys
from datetime import timedelta

import uvicorn
from pydantic import ValidationError

from .app import create_app
from .assistant import ANSWER_SECONDS
from .settings import Settings, SettingsError, load
from .telemetry import configure
from .tokens import issue

# A chat that began just before the end may still be answered.
DRAIN_SECONDS = ANSWER_SECONDS + 5
# Longer than the ingress controller's (components/ingress.py), which would else send a request on a connection that
# is being closed.
KEEP_ALIVE_SECONDS = 75


def main() -> int:
    arguments = _parser().parse_args()
    try:
        settings = load(Settings)
        return _token(arguments.user, arguments.hours, settings) if arguments.command == "token" else _serve(settings)
    except SettingsError as error:
        print(f"todo: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m todo", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve the app (the default)")
    token = commands.add_parser("token", help="print a bearer token")
    token.add_argument("user", help="the user's name")
    token.add_argument("--hours", type=float, default=24.0, help="how long it is valid (default: 24)")
    return parser


def _serve(settings: Settings) -> int:
    configure()
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_config=None,
        # Only the sidecar's address is trusted, and it is read from the connection.
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )
    uvicorn.Server(config).run()
    return 0


def _token(user: str, hours: float, settings: Settings) -> int:
    try:
        print(issue(user, timedelta(hours=hours), settings.better_auth_secret))
    except ValidationError:
        print(f"todo: {user!r} is no user's name: it takes 1 to 64 characters", file=sys.stderr)
        return 1
    except (OverflowError, ValueError):
        print(f"todo: a token cannot be valid for {hours:g} hours", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
