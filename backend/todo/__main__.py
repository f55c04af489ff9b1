"""`python -m todo` serves the app; `python -m todo token USER` prints a bearer token for a user."""

import argparse
import sys
from datetime import timedelta

from pydantic import ValidationError

from .settings import Settings, SettingsError, load
from .tokens import issue


def main() -> int:
    arguments = _parser().parse_args()
    try:
        settings = load(Settings)
    except SettingsError as error:
        print(f"todo: {error}", file=sys.stderr)
        return 1
    return _token(arguments.user, arguments.hours, settings) if arguments.command == "token" else _serve(settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m todo", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve", help="serve the app (the default)")
    token = commands.add_parser("token", help="print a bearer token")
    token.add_argument("user", help="the user's name")
    token.add_argument("--hours", type=float, default=24.0, help="how long it is valid (default: 24)")
    return parser


def _serve(settings: Settings) -> int:
    from .server import serve

    serve(settings)
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
