"""Keeps the app's secrets out of what is told of its pods."""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from lightkube import ApiError, Client
from lightkube.resources.core_v1 import Secret

from components.secrets import APP_SECRETS, KAFKA_SECRETS
from delivery.report import Check

# What pods are given: also by `components.images`, for the registry.
_SECRETS = (APP_SECRETS, KAFKA_SECRETS, "registry-pull")
_HIDDEN = "[secret]"
# What a terminal obeys instead of showing it: colours, a cursor that moves.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x1f\x7f-\x9f]")
_WITHHELD = "not shown: the app's secrets cannot be read, so it is not known what they would be in it"

# The second line of defence: what is a secret by its form, like a password that was rotated since.
_FORMS = (
    re.compile(r"(?<=://)[^\s/@]+(?=@)"),
    re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*"),
    re.compile(r"(?i)(?<=\bbearer )\S+"),
    re.compile(r"(?i)(?:(?<=password=)|(?<=token=)|(?<=api_key=)|(?<=secret=))[^\s&]+"),
)


@dataclass(frozen=True)
class Mask:
    """values: what is a secret, the longest first; None where nobody may know, and then no cause is told at all."""

    values: Sequence[str] | None

    def check(self, check: Check) -> Check:
        """The check without a secret in its causes."""
        if self.values is None:
            return replace(check, causes=[_WITHHELD] if check.causes else [])
        return replace(check, causes=[*map(self.line, check.causes)])

    def line(self, text: str) -> str:
        """The line without a secret, and harmless to a terminal."""
        for value in self.values or ():
            text = text.replace(value, _HIDDEN)
        for form in _FORMS:
            text = form.sub(_HIDDEN, text)
        return _CONTROL.sub("", text)


def read(client: Client, namespace: str) -> Mask:
    """What to hide of the pods of a namespace. Raises ApiError and httpx2.HTTPError where the cluster does not say."""
    values: set[str] = set()
    for name in _SECRETS:
        try:
            secret = client.get(Secret, name, namespace=namespace)
        except ApiError as error:
            if error.response.status_code == HTTPStatus.NOT_FOUND:
                continue
            if error.response.status_code == HTTPStatus.FORBIDDEN:
                return Mask(None)
            raise
        values |= {*_values(secret.data or {})}
    return Mask(sorted(filter(None, values), key=len, reverse=True))


def _values(data: Mapping[str, str]) -> Iterator[str]:
    for encoded in data.values():
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
