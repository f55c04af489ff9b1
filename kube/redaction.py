"""Redact secrets in text about pods, such as their logs."""

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from lightkube import ApiError, Client
from lightkube.resources.core_v1 import Secret

_REDACTED = "[secret]"
_WITHHELD = "not shown: the app's secrets cannot be read to redact them"
# Escape sequences and control characters, which a terminal obeys.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]")

# The second line of defence: the form of a secret, such as a password that has been rotated since.
_FORMS = (
    re.compile(r"(?<=://)[^\s/@]+(?=@)"),
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    re.compile(r"(?i)(?<=\bbearer )\S+"),
    re.compile(r"(?i)(?:(?<=password=)|(?<=token=)|(?<=api_key=)|(?<=secret=))[^\s&]+"),
)


@dataclass(frozen=True, repr=False)
class Redactor:
    """Redacts the values of secrets, and everything else that has the form of one."""

    values: Sequence[str] | None
    """The longest first; None where the secrets cannot be read, and then nothing is shown."""

    @classmethod
    def of(cls, secrets: Iterable[Secret]) -> "Redactor":
        values = {value for secret in secrets for encoded in (secret.data or {}).values() for value in _values(encoded)}
        return cls(sorted(filter(None, values), key=len, reverse=True))

    @classmethod
    def read(cls, client: Client, namespace: str, names: Iterable[str]) -> "Redactor":
        """Read the secrets of these names, as far as they exist. Raises ApiError and httpx2.HTTPError."""
        try:
            return cls.of(_existing(client, namespace, names))
        except ApiError as error:
            if error.response.status_code == HTTPStatus.FORBIDDEN:
                return cls(None)
            raise

    def redact(self, lines: Sequence[str]) -> list[str]:
        """Return the lines without secrets and without control characters."""
        if self.values is None:
            return [_WITHHELD] if lines else []
        return [_redacted(line, self.values) for line in lines]


def _existing(client: Client, namespace: str, names: Iterable[str]) -> Iterator[Secret]:
    for name in names:
        try:
            yield client.get(Secret, name, namespace=namespace)
        except ApiError as error:
            if error.response.status_code != HTTPStatus.NOT_FOUND:
                raise


def _redacted(line: str, values: Sequence[str]) -> str:
    for value in values:
        line = line.replace(value, _REDACTED)
    for form in _FORMS:
        line = form.sub(_REDACTED, line)
    return _CONTROL.sub("", line)


def _values(encoded: str) -> Iterator[str]:
    text = base64.b64decode(encoded).decode(errors="replace")
    yield text
    yield encoded
    if "://" in text:  # a driver may print the password alone, as it is or decoded
        password = urlsplit(text).password or ""
        yield from (password, unquote(password))
    yield from _passwords_of_registry(text)


def _passwords_of_registry(text: str) -> Iterator[str]:
    try:
        registries = json.loads(text)["auths"].values()
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    for registry in registries:
        yield str(registry.get("password", ""))
        yield str(registry.get("auth", ""))
