"""A fake engine on Pulumi's mocks: it runs a program inside of a test and records what the program declares."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, TypeAlias, TypeVar, cast
from unittest.mock import patch

import pulumi
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime import settings
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks
from pulumi.runtime.proto import engine_pb2, resource_pb2, source_pb2
from pulumi.runtime.stack import run_in_stack

from tests.support.providers.values import UNKNOWN, Secret, received

__all__ = ["UNKNOWN", "Engine", "Hook", "Inputs", "InvokeError", "Resource", "Secret"]

# For run_in_stack, which polls all open outputs again after each that completes: a quarter of the longest tests' time.
_ASYNCIO = SimpleNamespace(**{**vars(asyncio), "FIRST_COMPLETED": asyncio.FIRST_EXCEPTION})

PROJECT = "todo-oke"
STACK = "test"

Inputs: TypeAlias = Mapping[str, Any]
Hook: TypeAlias = Callable[[Any], Coroutine[Any, Any, Any]]
T = TypeVar("T")


@dataclass(frozen=True)
class Resource:
    """A resource that a program declared."""

    urn: str
    type: str
    name: str
    inputs: Inputs  # as the provider gets them, secrets as `Secret`
    parent: str  # its name
    provider: str  # the name of the explicit provider, or empty
    prerequisites: frozenset[str]  # the URNs of its parent and its dependencies
    protect: bool
    retain_on_delete: bool


class InvokeError(Exception):
    """A provider's refusal of a function's arguments."""


class Engine:
    """One deployment."""

    def __init__(self) -> None:
        # By (type, name): resources that exist, so that they are updated.
        self.existing: set[tuple[str, str]] = set()
        # By (type, name): the creation or update of a resource; it returns more outputs, raises or blocks.
        self.creations: dict[tuple[str, str], Callable[[], Inputs]] = {}
        # By token: functions of providers.
        self.answers: dict[str, Callable[[MockCallArgs], Inputs]] = {}
        self.resources: list[Resource] = []
        self.requests: dict[str, resource_pb2.RegisterResourceRequest] = {}  # by URN, all options of a resource
        self.outputs: dict[str, Inputs] = {}  # by URN
        self.log: list[engine_pb2.LogRequest] = []
        self.debug_log: list[engine_pb2.LogRequest] = []  # further entries of `--debug`
        self.unfinished: set[str] = set()  # the names of coroutines that still ran at the end of the program

    def deploy(
        self,
        program: Callable[[], object],
        *,
        config: Mapping[str, str] | None = None,
        encrypted: Iterable[str] = (),
        preview: bool = False,
    ) -> None:
        """Run a program to its end, hooks included, and raise its failure.

        config: by key, without a namespace the project's, as for `pulumi config set`.
        encrypted: the project's keys that are secret.
        """

        async def deploy() -> None:
            # Pulumi's settings are context variables, so they end with this deployment.
            loop = asyncio.get_running_loop()
            loop.set_default_executor(_Executor())
            # A failure is raised once from here; the SDK also leaves it in every output that nobody awaits.
            loop.set_exception_handler(lambda *_: None)
            callbacks = _Callbacks()
            monitor = _Monitor(self, callbacks, loop)
            settings.configure(settings.Settings(PROJECT, STACK, monitor, engine=_Log(self), dry_run=preview))
            cast("Any", settings.SETTINGS).callbacks = callbacks
            pulumi.runtime.set_all_config(
                {key if ":" in key else f"{PROJECT}:{key}": value for key, value in (config or {}).items()},
                [f"{PROJECT}:{key}" for key in encrypted],
            )
            try:
                await run_in_stack(lambda: cast("None", program()))
            finally:
                tasks = (cast("Any", task.get_coro()) for task in asyncio.all_tasks() if not task.cancelling())
                self.unfinished = {task.__qualname__ for task in tasks}

        # Stack traces of each declaration are for the engine's messages, and take a tenth of the time.
        with (
            patch("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace),
            patch("pulumi.runtime.stack.asyncio", _ASYNCIO),
        ):
            asyncio.run(deploy())

    def call(self, args: MockCallArgs) -> Inputs:
        """Return the result of a provider's function; subclasses may override it. Raises InvokeError."""
        return self.answers[args.token](args)

    @property
    def exports(self) -> Inputs:
        """The outputs of the stack."""
        return self.outputs[f"urn:pulumi:{STACK}::{PROJECT}::pulumi:pulumi:Stack::{PROJECT}-{STACK}"]

    def find(self, type_: str, name: str | None = None) -> Resource:
        """Return the only resource of a type, or of a type and a name."""
        (found,) = (r for r in self.resources if r.type == type_ and name in (None, r.name))
        return found

    def finishes_first(self, resource: Resource) -> list[Resource]:
        """Return all resources that the engine finishes before it begins with one."""
        urns, news = set[str](), set(resource.prerequisites)
        while news:
            urns |= news
            news = {urn for r in self.resources if r.urn in news for urn in r.prerequisites} - urns
        return [r for r in self.resources if r.urn in urns]


class _Executor(ThreadPoolExecutor):
    """Threads with the context of the program."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(contextvars.copy_context().run, fn, *args, **kwargs)


class _Log:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def Log(self, request: engine_pb2.LogRequest) -> None:  # noqa: N802 (the name in the protocol)
        log = self._engine.log if request.severity > engine_pb2.DEBUG else self._engine.debug_log
        log.append(request)


class _Callbacks:
    """The program's hooks, by name."""

    def __init__(self) -> None:
        self.hooks: dict[str, Hook] = {}

    def register_resource_hook(self, hook: pulumi.ResourceHook) -> None:
        self.hooks[hook.name] = cast("Hook", hook.callback)

    def register_error_hook(self, hook: pulumi.ErrorHook) -> None:
        self.hooks[hook.name] = cast("Hook", hook.callback)


class _Provider(Mocks):
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[Any, Any]]:
        create = self._engine.creations.get((args.typ, args.name), dict)
        return f"{args.name}-id", {**args.inputs, **create()}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]]]:
        try:
            return dict(self._engine.call(args)), []
        except InvokeError as error:
            return {}, [("", str(error))]


class _Monitor(MockMonitor):
    def __init__(self, engine: Engine, callbacks: _Callbacks, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(_Provider(engine))
        self._engine = engine
        self._callbacks = callbacks
        self._loop = loop

    def RegisterResource(  # noqa: N802 (the name in the protocol)
        self, request: resource_pb2.RegisterResourceRequest
    ) -> resource_pb2.RegisterResourceResponse:
        urn = self.make_urn(request.parent, request.type, request.name)
        inputs = received(request.object)
        if any(resource.urn == urn for resource in self._engine.resources):
            raise ValueError(f"two resources have the URN {urn}")
        self._engine.requests[urn] = request
        if request.type != "pulumi:pulumi:Stack":
            self._engine.resources.append(
                Resource(
                    urn,
                    request.type,
                    request.name,
                    inputs,
                    parent=_name(request.parent),
                    provider=_name(request.provider.rpartition("::")[0]),
                    prerequisites=frozenset([request.parent, *request.dependencies]),
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                )
            )
        about: Inputs = {"urn": urn, "id": "", "name": request.name, "type": request.type, "new_inputs": inputs}
        hooks = request.hooks
        updates = (request.type, request.name) in self._engine.existing
        self._call(hooks.before_update if updates else hooks.before_create, pulumi.ResourceHookArgs(**about))
        try:
            response = super().RegisterResource(request)
        except Exception as error:
            operation = "update" if updates else "create"
            failure = pulumi.ErrorHookArgs(**about, failed_operation=operation, errors=[str(error)])
            if not any(self._call(hooks.on_error, failure)):  # whether to retry, here once
                raise
            response = super().RegisterResource(request)
        self._call(hooks.after_update if updates else hooks.after_create, pulumi.ResourceHookArgs(**about))
        return response

    def RegisterResourceOutputs(self, request: resource_pb2.RegisterResourceOutputsRequest) -> Empty:  # noqa: N802
        self._engine.outputs[request.urn] = received(request.outputs)
        return Empty()

    def _call(self, hooks: Iterable[str], args: object) -> list[Any]:
        return [self._await(self._callbacks.hooks[name](args)) for name in hooks if not settings.is_dry_run()]

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Await on the program's own loop, from the thread of a call."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


def _name(urn: str) -> str:
    return urn.rpartition("::")[2]
