"""The properties of a resource in an installed SDK, and which of them the cloud sets.

The generated classes are parsed and not imported: pulumi_oci takes seconds, one class of it takes a millisecond.
"""

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

# Python 3.11 counts the depth of a tree for all threads together, and two that parse at once can fail:
# https://github.com/pytest-dev/pytest/issues/10763
_PARSING = Lock()
_NESTED = re.compile(r"'(?:outputs\.)?(\w+)'")


@dataclass(frozen=True)
class Property:
    optional: bool  # if not, and the program does not set it, the cloud does
    type: str  # in Python, like Sequence[str]
    nested: str  # the class of the objects in it, or empty


@cache
def inputs(token: str) -> Mapping[str, Property]:
    """Return the inputs of a resource; token: like oci:Core/vcn:Vcn."""
    return _properties(_module(token), f"{class_name(token)}Args:")


@cache
def outputs(token: str) -> Mapping[str, Property]:
    """Return the outputs of a resource."""
    return _properties(_module(token), f"{class_name(token)}(pulumi.CustomResource):")


@cache
def nested(token: str, class_: str) -> Mapping[str, Property]:
    """Return the inputs of an object inside of a property."""
    return _properties(_module(token).parent / "_inputs.py", f"{class_}:")


def class_name(token: str) -> str:
    """Return Vcn of oci:Core/vcn:Vcn."""
    return token.rpartition(":")[2]


def _module(token: str) -> Path:
    package, module, _ = token.split(":")
    folder, _, name = module.rpartition("/") if "/" in module else (module, "", "")
    found = find_spec(f"pulumi_{package.replace('-', '_')}")
    assert found, f"{package} has no installed SDK"
    assert found.origin
    place = Path(found.origin).parent
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name or class_name(token)).lower()
    return (place if folder in ("", "index") else place / folder.lower()) / f"{snake}.py"


def _properties(module: Path, heading: str) -> Mapping[str, Property]:
    text = module.read_text()
    start = text.index(f"\nclass {heading}")
    end = re.compile(r"\n(?=[@\w])").search(text, start + 1)
    with _PARSING:
        (class_,) = ast.parse(text[start : end.start() if end else None]).body
    assert isinstance(class_, ast.ClassDef)
    return {
        name: _property(function)
        for function in class_.body
        if isinstance(function, ast.FunctionDef)
        for decorator in function.decorator_list
        if (name := _getter(decorator, function.name))
    }


def _getter(decorator: ast.expr, name: str) -> str:
    """Return the property's name on the wire, or "" for other functions."""
    match decorator:
        case ast.Attribute(attr="getter"):
            return name
        case ast.Call(func=ast.Attribute(attr="getter"), keywords=[ast.keyword(value=ast.Constant(value=str(given)))]):
            return given
        case _:
            return ""


def _property(function: ast.FunctionDef) -> Property:
    assert function.returns is not None
    type_ = ast.unparse(function.returns)
    found = _NESTED.search(type_)
    return Property(
        optional="[Optional[" in type_,
        type=re.sub(r"^pulumi\.\w+\[(?:Optional\[(.*)\]|(.*))\]$", r"\1\2", type_).replace("_builtins.", ""),
        nested=found[1] if found else "",
    )
