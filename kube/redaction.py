"""Keeps the app's secrets out of what is told of its pods."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote, urlsplit

from lightkube.resources.core_v1 import Secret

_HIDDEN = "[secret]"
# What a terminal obeys instead of showing it: colours, a cursor that moves.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]")

# The second line of defence: what is a secret by its form, like a password that was rotated since.
_FORMS = (
    re.compile(r"(?<=://)[^\s/@]+(?=@)"),
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    re.compile(r"(?i)(?<=\bbearer )\S+"),
    re.compile(r"(?i)(?:(?<=password=)|(?<=token=)|(?<=api_key=)|(?<=secret=))[^\s&]+"),
)


def hidden_values(secrets: Iterable[Secret]) -> Sequence[str]:
    """What must not be shown of these secrets, the longest first."""
    shown = {value for secret in secrets for encoded in (secret.data or {}).values() for value in _values(encoded)}
    return sorted(filter(None, shown), key=len, reverse=True)


def masked(line: str, hidden: Sequence[str]) -> str:
    """A line without the hidden values and what else has the form of a secret, and harmless to a terminal."""
    for value in hidden:
        line = line.replace(value, _HIDDEN)
    for form in _FORMS:
        line = form.sub(_HIDDEN, line)
    return _CONTROL.sub("", line)


def _values(encoded: str) -> Iterator[str]:
    text = base64.b64decode(encoded).decode(errors="replace")
    yield text
    yield encoded
    yield from _passwords_of_url(text)
    yield from _passwords_of_registry(text)


def _passwords_of_url(text: str) -> Iterator[str]:
    # A driver may print a part of a URL alone, and what it stands for.
    if "://" in text:
        password = urlsplit(text).password or ""
        yield password
        yield unquote(password)


def _passwords_of_registry(text: str) -> Iterator[str]:
    try:
        registries = json.loads(text)["auths"].values()
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    for registry in registries:
        yield str(registry.get("password", ""))
        yield str(registry.get("auth", ""))
