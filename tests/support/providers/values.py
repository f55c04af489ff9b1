"""Property values between the engine and its providers, with secrets and with unknown values of previews.

Source: https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/plugin/rpc.go
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime import rpc

UNKNOWN = rpc.UNKNOWN  # a value that a preview cannot know

# https://github.com/pulumi/pulumi/blob/master/sdk/go/common/resource/sig/sig.go
_SIGNATURE, _OF_A_SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


@dataclass(frozen=True)
class Secret:
    """A value that the state encrypts and logs hide."""

    value: Any = field(repr=False)


def received(struct: Struct) -> dict[str, Any]:
    """Decode properties: secret values are Secret, unknown ones UNKNOWN."""
    return {key: _received(value) for key, value in MessageToDict(struct).items()}


def sent(properties: Mapping[str, Any]) -> Struct:
    """Encode properties."""
    return ParseDict({key: _sent(value) for key, value in properties.items() if value is not None}, Struct())


def plain(value: Any) -> Any:
    """Return a value with its secrets as plain values."""
    match value:
        case Secret():
            return plain(value.value)
        case dict():
            return {key: plain(each) for key, each in value.items()}
        case list():
            return [plain(each) for each in value]
        case _:
            return value


def has_unknown(value: Any) -> bool:
    match value:
        case Secret():
            return has_unknown(value.value)
        case dict():
            return any(has_unknown(each) for each in value.values())
        case list():
            return any(has_unknown(each) for each in value)
        case _:
            return value == UNKNOWN


def secret_like(value: Any, example: Any) -> Any:
    """Return a plain value with Secret wherever the example has it."""
    match value, example:
        case _, Secret():
            return Secret(value)
        case dict(), dict():
            return {key: secret_like(each, example.get(key)) for key, each in value.items()}
        case list(), list():
            return [
                secret_like(each, example[place] if place < len(example) else None) for place, each in enumerate(value)
            ]
        case _:
            return value


def _received(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return Secret(_received(rpc.unwrap_rpc_secret(value)))
    match value:
        case dict():
            return {key: _received(each) for key, each in value.items()}
        case list():
            return [_received(each) for each in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def _sent(value: Any) -> Any:
    match value:
        case Secret():
            return {_SIGNATURE: _OF_A_SECRET, "value": _sent(value.value)}
        case dict():
            return {key: _sent(each) for key, each in value.items() if each is not None}
        case list():
            return [_sent(each) for each in value]
        case _:
            return value
