"""A cloud in memory: its resources, operations and faults."""

import threading
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["create", "read", "update", "delete", "invoke"]
Properties: TypeAlias = dict[str, Any]


class CloudError(Exception):
    """The error with which the cloud refuses an operation."""


@dataclass(frozen=True)
class Operation:
    kind: Kind
    type: str  # a resource's class, like NodePool, or a function's name, like getServices
    name: str  # in the program
    time: float  # time.monotonic() at the start
    error: str | None = None


@dataclass(frozen=True)
class _Fault:
    """The failure of the next operation of a kind on a type, after that time."""

    kind: Kind
    type: str
    message: str
    seconds: float

    def strike(self) -> None:
        time.sleep(self.seconds)
        raise CloudError(self.message)


@dataclass
class Cloud:
    """A cloud in memory. Its methods may be called from any thread.

    Properties are named as in the provider's schema (camelCase). Secrets have plain values.
    """

    log: list[Operation] = field(default_factory=list)
    _resources: dict[str, dict[str, Properties]] = field(default_factory=dict)
    _faults: list[_Fault] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def all(self, type_: str) -> Mapping[str, Properties]:
        """Return copies of the resources of a type, as {id: properties}."""
        with self._lock:
            return deepcopy(self._resources.get(type_, {}))

    def only(self, type_: str) -> Properties:
        """Return a copy of the only resource of a type."""
        (found,) = self.all(type_).values()
        return found

    def get(self, id_: str) -> Properties | None:
        """Return a copy of a resource."""
        with self._lock:
            return deepcopy(next((found[id_] for found in self._resources.values() if id_ in found), None))

    def put(self, type_: str, id_: str, properties: Mapping[str, Any]) -> None:
        """Create or replace a resource."""
        with self._lock:
            self._resources.setdefault(type_, {})[id_] = deepcopy(dict(properties))

    def edit(self, id_: str, **properties: Any) -> None:
        """Change properties of a resource manually; None removes one."""
        with self._lock:
            (found,) = (of_type[id_] for of_type in self._resources.values() if id_ in of_type)
            found |= properties
            for name in [name for name, value in properties.items() if value is None]:
                del found[name]

    def remove(self, id_: str) -> None:
        """Remove a resource manually."""
        with self._lock:
            for found in self._resources.values():
                found.pop(id_, None)

    def users_of(self, id_: str) -> list[str]:
        """Return the types of the resources that refer to this one."""
        with self._lock:
            return [
                type_
                for type_, found in self._resources.items()
                for each, properties in found.items()
                if each != id_ and _mentions(properties, id_)
            ]

    def fail(self, kind: Kind, type_: str, message: str, *, seconds: float = 0) -> None:
        """Fail the next operation of a kind on a type after that time, with nothing done."""
        with self._lock:
            self._faults.append(_Fault(kind, type_, message, seconds))

    @contextmanager
    def operation(self, kind: Kind, type_: str, name: str) -> Generator[None]:
        """Log an operation, and apply its fault."""
        with self._lock:
            place = len(self.log)
            self.log.append(Operation(kind, type_, name, time.monotonic()))
            fault = next((each for each in self._faults if (each.kind, each.type) == (kind, type_)), None)
            if fault:
                self._faults.remove(fault)
        try:
            if fault:
                fault.strike()
            yield
        except CloudError as error:
            started = self.log[place]
            self.log[place] = Operation(kind, type_, name, started.time, str(error))
            raise

    def did(self, *kinds: Kind) -> list[tuple[Kind, str, str]]:
        """Return the operations without errors, in order, as (kind, type, name)."""
        return [(each.kind, each.type, each.name) for each in self.log if each.kind in kinds and not each.error]


def _mentions(value: Any, text: str) -> bool:
    match value:
        case dict():
            return any(_mentions(each, text) for each in value.values())
        case list():
            return any(_mentions(each, text) for each in value)
        case _:
            return value == text
