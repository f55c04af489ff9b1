import base64
import json

import pytest
from lightkube.resources.core_v1 import Secret

from kube.redaction import Redactor

REGISTRY = {"auths": {"ghcr.io": {"username": "u", "password": "canary-token", "auth": "canary-auth"}}}
DATA = {
    "cohere-api-key": "canary-key",
    "database-url": "postgresql://todo:canary%2Fpassword@db/todo",
    ".dockerconfigjson": json.dumps(REGISTRY),
}
ENCODED = {key: base64.b64encode(value.encode()).decode() for key, value in DATA.items()}


@pytest.mark.parametrize(
    ("line", "redacted"),
    [
        ("no canary-key", "no [secret]"),
        (f"as {ENCODED['cohere-api-key']}", "as [secret]"),
        ("canary/password or canary%2Fpassword", "[secret] or [secret]"),
        ("postgresql://old:canary-rotated@db/x", "postgresql://[secret]@db/x"),
        ("Authorization: Bearer canary-of-a-user.x", "Authorization: Bearer [secret]"),
        ("eyJhbGciOi.eyJzdWIi.canary of ann", "[secret] of ann"),
        ("host=db password=canary-rotated user=x", "host=db password=[secret] user=x"),
        ("at https://db.example.com/a@b it is", "at https://db.example.com/a@b it is"),
        ("pulled with canary-token", "pulled with [secret]"),
        ("logged in with canary-auth", "logged in with [secret]"),
        ("\x1b[31mred\x1b[0m\x1b[2J and \tmore", "red and more"),
    ],
)
def test_values_and_forms_of_secrets_are_redacted(line: str, redacted: str) -> None:
    assert Redactor.of([Secret(data=ENCODED)]).redact([line]) == [redacted]


def test_redactor_does_not_show_its_values() -> None:
    assert "canary" not in repr(Redactor.of([Secret(data=ENCODED)]))


def test_nothing_is_shown_where_the_secrets_are_unknown() -> None:
    (withheld,) = Redactor(None).redact(["canary-key", "line"])

    assert "canary" not in withheld
    assert Redactor(None).redact([]) == []
