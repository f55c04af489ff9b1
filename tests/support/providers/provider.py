"""The protocol between the engine and a provider, and the base of providers that wrap one of Terraform's.

Source: https://github.com/pulumi/pulumi/blob/master/proto/pulumi/provider.proto
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, TypeAlias

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.support.providers import schema
from tests.support.providers.cloud import Cloud, CloudError, Properties
from tests.support.providers.values import UNKNOWN, plain, received, secret_like, sent

Change: TypeAlias = provider_pb2.PropertyDiff.Kind.ValueType
ADD, ADD_REPLACE = provider_pb2.PropertyDiff.ADD, provider_pb2.PropertyDiff.ADD_REPLACE
DELETE, DELETE_REPLACE = provider_pb2.PropertyDiff.DELETE, provider_pb2.PropertyDiff.DELETE_REPLACE
UPDATE, UPDATE_REPLACE = provider_pb2.PropertyDiff.UPDATE, provider_pb2.PropertyDiff.UPDATE_REPLACE
_REPLACING = {ADD: ADD_REPLACE, DELETE: DELETE_REPLACE, UPDATE: UPDATE_REPLACE}


class CheckError(Exception):
    """Invalid inputs, as {property: reason}."""

    def __init__(self, failures: Mapping[str, str]) -> None:
        super().__init__(failures)
        self.failures = failures


@dataclass(frozen=True)
class Resource:
    """A resource in a request of the engine. Secrets have plain values."""

    token: str  # like oci:Core/vcn:Vcn
    name: str  # in the program
    id: str = ""  # empty before it is created
    inputs: Properties = field(default_factory=dict)
    state: Properties = field(default_factory=dict)  # with the properties that the cloud sets
    old_inputs: Properties = field(default_factory=dict)  # when the state was written
    config: Properties = field(default_factory=dict)  # of the provider instance

    @property
    def type(self) -> str:
        return schema.class_name(self.token)


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """The protocol on one side, and a cloud on the other.

    Every instance that a program configures has a connection of its own, with its own configuration.
    """

    package: str  # the name in tokens

    def __init__(self) -> None:
        self.cloud = Cloud()
        self.configurations: dict[str, Properties] = {}

    # For subclasses.

    def check(self, resource: Resource, inputs: Properties) -> Properties:
        """Return the inputs with defaults; secrets are Secret. Raises CheckError."""
        del resource
        return inputs

    def changes(self, resource: Resource) -> Mapping[str, Change]:
        """Return the changes of an update by the path of the property."""
        raise self._unknown(resource)

    def planned(self, resource: Resource) -> Properties:
        """Return the state in a preview of a resource to create (it has no id) or to update."""
        raise self._unknown(resource)

    def create(self, resource: Resource) -> tuple[str, Properties]:
        """Create a resource and return its id and state. Raises CloudError."""
        raise self._unknown(resource)

    def update(self, resource: Resource) -> Properties:
        """Update a resource and return its state. Raises CloudError."""
        raise self._unknown(resource)

    def read(self, resource: Resource) -> Properties | None:
        """Return the state of a resource, or None where there is none with that id."""
        raise self._unknown(resource)

    def delete(self, resource: Resource) -> None:
        """Delete a resource. Raises CloudError."""
        raise self._unknown(resource)

    def _unknown(self, resource: Resource) -> CloudError:
        return CloudError(f"the double of {self.package} has no {resource.type}")

    def deletes_first(self, resource: Resource) -> bool:
        """Whether a replaced resource is deleted before the new one is created."""
        del resource
        return False

    def invoke(self, function: str, arguments: Properties, config: Properties) -> Properties:
        """Return the result of a function. Raises CloudError."""
        del arguments, config
        raise CloudError(f"the double of {self.package} has no function {function}")

    # The protocol.

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> provider_pb2.ProviderHandshakeResponse:  # noqa: N802 (the name in the protocol)
        del request, context
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        del request, context
        return Empty()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        del request, context
        return Empty()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        del request, context
        return plugin_pb2.PluginInfo(version=version(f"pulumi-{self.package}"))

    def CheckConfig(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        del context
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        del context
        olds, news = received(request.olds), received(request.news)
        return _difference({name: UPDATE for name in olds.keys() | news.keys() if olds.get(name) != news.get(name)})

    def Configure(  # noqa: N802
        self, request: provider_pb2.ConfigureRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ConfigureResponse:
        self.configurations[context.peer()] = plain(received(request.args))
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Invoke(  # noqa: N802
        self, request: provider_pb2.InvokeRequest, context: grpc.ServicerContext
    ) -> provider_pb2.InvokeResponse:
        function = schema.class_name(request.tok)
        with _reporting(context), self.cloud.operation("invoke", function, ""):
            answer = self.invoke(function, plain(received(request.args)), self._config(context))
            response = provider_pb2.InvokeResponse()
            getattr(response, "return").CopyFrom(sent(answer))
            return response

    def Check(  # noqa: N802
        self, request: provider_pb2.CheckRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CheckResponse:
        inputs = received(request.news)
        resource = self._resource(request, context, inputs=plain(inputs), old_inputs=plain(received(request.olds)))
        try:
            return provider_pb2.CheckResponse(inputs=sent(self.check(resource, inputs)))
        except CheckError as error:
            response = provider_pb2.CheckResponse(inputs=request.news)
            for name, why in error.failures.items():
                response.failures.add(property=name, reason=why)
            return response

    def Diff(  # noqa: N802
        self, request: provider_pb2.DiffRequest, context: grpc.ServicerContext
    ) -> provider_pb2.DiffResponse:
        resource = self._resource(
            request,
            context,
            id=request.id,
            inputs=plain(received(request.news)),
            state=plain(received(request.olds)),
            old_inputs=plain(received(request.old_inputs)),
        )
        ignored = tuple(request.ignoreChanges)
        with _reporting(context):
            changes = {path: kind for path, kind in self.changes(resource).items() if not _is_under(path, ignored)}
        return _difference(changes, deletes_first=self.deletes_first(resource))

    def Create(  # noqa: N802
        self, request: provider_pb2.CreateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.CreateResponse:
        inputs = received(request.properties)
        resource = self._resource(request, context, inputs=plain(inputs))
        if request.preview:
            return provider_pb2.CreateResponse(properties=sent(secret_like(self.planned(resource), inputs)))
        with _reporting(context), self.cloud.operation("create", resource.type, resource.name):
            id_, state = self.create(resource)
        return provider_pb2.CreateResponse(id=id_, properties=sent(secret_like(state, inputs)))

    def Update(  # noqa: N802
        self, request: provider_pb2.UpdateRequest, context: grpc.ServicerContext
    ) -> provider_pb2.UpdateResponse:
        inputs, olds = received(request.news), received(request.olds)
        resource = self._resource(
            request,
            context,
            id=request.id,
            inputs=plain(inputs),
            state=plain(olds),
            old_inputs=plain(received(request.old_inputs)),
        )
        examples = olds | inputs
        if request.preview:
            return provider_pb2.UpdateResponse(properties=sent(secret_like(self.planned(resource), examples)))
        with _reporting(context), self.cloud.operation("update", resource.type, resource.name):
            state = self.update(resource)
        return provider_pb2.UpdateResponse(properties=sent(secret_like(state, examples)))

    def Read(  # noqa: N802
        self, request: provider_pb2.ReadRequest, context: grpc.ServicerContext
    ) -> provider_pb2.ReadResponse:
        inputs, olds = received(request.inputs), received(request.properties)
        resource = self._resource(request, context, id=request.id, state=plain(olds), old_inputs=plain(inputs))
        with _reporting(context), self.cloud.operation("read", resource.type, resource.name):
            state = self.read(resource)
        if state is None:
            return provider_pb2.ReadResponse()
        return provider_pb2.ReadResponse(
            id=request.id,
            properties=sent(secret_like(state, olds | inputs)),
            inputs=sent(secret_like(self._program_inputs(resource, state), inputs)),
        )

    def Delete(self, request: provider_pb2.DeleteRequest, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        resource = self._resource(request, context, id=request.id, state=plain(received(request.properties)))
        with _reporting(context), self.cloud.operation("delete", resource.type, resource.name):
            self.delete(resource)
        return Empty()

    def _config(self, context: grpc.ServicerContext) -> Properties:
        return self.configurations.get(context.peer(), {})

    def _resource(self, request: Any, context: grpc.ServicerContext, **values: Any) -> Resource:
        _, _, types, name = request.urn.split("::", 3)
        return Resource(types.rpartition("$")[2], name, config=self._config(context), **values)

    def _program_inputs(self, resource: Resource, state: Properties) -> Properties:
        """Return the inputs that match the state in the cloud, of the properties that the program sets."""
        if resource.old_inputs:
            return _narrowed(state, resource.old_inputs)
        return {name: value for name, value in state.items() if name in schema.inputs(resource.token)}


class TerraformProvider(Provider, ABC):
    """A provider that wraps one of Terraform's: it compares a resource's state with its inputs."""

    @abstractmethod
    def replaces(self, resource: Resource, path: str) -> bool:
        """Whether a change forces a new resource. path: without indexes, like ingressRules.tcpOptions."""

    @abstractmethod
    def identify(self, resource: Resource) -> str:
        """Return the id of a new resource."""

    def decided(self, resource: Resource, id_: str) -> Properties:
        """Return the properties that the cloud sets on a new resource."""
        del resource, id_
        return {}

    def require(self, resource: Resource) -> None:
        """Check the requirements of a resource. Raises CloudError."""
        del resource

    def changes(self, resource: Resource) -> Mapping[str, Change]:
        return dict(self._changes(resource))

    def planned(self, resource: Resource) -> Properties:
        if resource.id:
            return self._updated(resource, resource.state)
        given = resource.inputs
        unknown = {name: UNKNOWN for name, each in schema.outputs(resource.token).items() if not each.optional}
        return unknown | given

    def create(self, resource: Resource) -> tuple[str, Properties]:
        self.require(resource)
        id_ = self.identify(resource)
        self.cloud.put(resource.type, id_, self.decided(resource, id_) | resource.inputs)
        return id_, self._found(resource, id_)

    def update(self, resource: Resource) -> Properties:
        self.require(resource)
        found = self._found(resource, resource.id)
        self.cloud.put(resource.type, resource.id, self._updated(resource, found))
        return self._found(resource, resource.id)

    def read(self, resource: Resource) -> Properties | None:
        return self.cloud.get(resource.id)

    def delete(self, resource: Resource) -> None:
        self.cloud.remove(resource.id)

    def _found(self, resource: Resource, id_: str) -> Properties:
        found = self.cloud.get(id_)
        if found is None:
            raise CloudError(f"404-NotAuthorizedOrNotFound, {resource.type} {id_} not found")
        return found

    def _updated(self, resource: Resource, state: Properties) -> Properties:
        """Return a state with the new inputs, and without removed inputs that the cloud does not set."""
        given = resource.inputs
        dropped = {name for name in resource.old_inputs.keys() - given.keys() if self._is_optional(resource, name)}
        return {name: value for name, value in (state | given).items() if name not in dropped}

    def _changes(self, resource: Resource) -> Iterator[tuple[str, Change]]:
        given = resource.inputs
        inputs = schema.inputs(resource.token)
        for name, value in given.items():
            nested = inputs[name].nested if name in inputs else ""
            yield from self._compared(
                resource, name, nested, (resource.state.get(name), value, resource.old_inputs.get(name))
            )
        for name in resource.old_inputs.keys() - given.keys():
            if self._is_optional(resource, name) and not _is_empty(resource.state.get(name)):
                nested = inputs[name].nested if name in inputs else ""
                yield name, self._kind(resource, _paths(resource, name, nested, resource.old_inputs[name]), DELETE)

    def _compared(
        self, resource: Resource, path: str, class_: str, values: tuple[Any, Any, Any]
    ) -> Iterator[tuple[str, Change]]:
        """Yield the changes between a state, new and old inputs; class_: of the objects in them."""
        old, new, old_inputs = values
        if old == new or (_is_empty(old) and _is_empty(new)):
            return
        match old, new:
            case dict(), dict() if class_:
                properties = schema.nested(resource.token, class_)
                dropped = old_inputs.keys() - new.keys() if isinstance(old_inputs, dict) else set[str]()
                for name in [*new, *dropped]:
                    inside = properties[name].nested if name in properties else ""
                    each = old.get(name), new.get(name), old_inputs.get(name) if isinstance(old_inputs, dict) else None
                    yield from self._compared(resource, f"{path}.{name}", inside, each)
            case list(), list() if class_ and len(old) == len(new):
                old_inputs = (
                    old_inputs if isinstance(old_inputs, list) and len(old_inputs) == len(new) else [None] * len(new)
                )
                for place, each in enumerate(zip(old, new, old_inputs, strict=True)):
                    yield from self._compared(resource, f"{path}[{place}]", class_, each)
            case _:
                kind = ADD if _is_empty(old) else DELETE if _is_empty(new) else UPDATE
                yield path, self._kind(resource, _paths(resource, _without_indexes(path), class_, new or old), kind)

    def _kind(self, resource: Resource, paths: Iterable[str], kind: Change) -> Change:
        return _REPLACING[kind] if any(self.replaces(resource, path) for path in paths) else kind

    def _is_optional(self, resource: Resource, name: str) -> bool:
        outputs = schema.outputs(resource.token)
        return name not in outputs or outputs[name].optional


def _paths(resource: Resource, path: str, class_: str, value: Any) -> Iterator[str]:
    """Yield the path of a value and of everything in it."""
    yield path
    if not class_:
        return
    properties = schema.nested(resource.token, class_)
    for each in value if isinstance(value, list) else [value]:
        for name in each.keys() & properties.keys():
            yield from _paths(resource, f"{path}.{name}", properties[name].nested, each[name])


def _difference(changes: Mapping[str, Change], *, deletes_first: bool = False) -> provider_pb2.DiffResponse:
    replaces = {_top(path) for path, kind in changes.items() if kind in _REPLACING.values()}
    return provider_pb2.DiffResponse(
        changes=provider_pb2.DiffResponse.DIFF_SOME if changes else provider_pb2.DiffResponse.DIFF_NONE,
        diffs=sorted({_top(path) for path in changes}),
        replaces=sorted(replaces),
        detailedDiff={path: provider_pb2.PropertyDiff(kind=kind) for path, kind in changes.items()},
        hasDetailedDiff=True,
        deleteBeforeReplace=deletes_first and bool(replaces),
    )


@contextmanager
def _reporting(context: grpc.ServicerContext) -> Generator[None]:
    """Report the cloud's error."""
    try:
        yield
    except CloudError as error:
        context.abort(grpc.StatusCode.UNKNOWN, str(error))


def _narrowed(value: Any, like: Any) -> Any:
    """Return the part of an object that another one has too."""
    match value, like:
        case dict(), dict() if like:
            return {name: _narrowed(value[name], each) for name, each in like.items() if name in value}
        case list(), list() if len(value) == len(like):
            return [_narrowed(each, example) for each, example in zip(value, like, strict=True)]
        case _:
            return value


def _is_empty(value: Any) -> bool:
    """Whether a value is absent or zero, which is the same for Terraform."""
    return value in (None, "", False, 0, [], {})


def _is_under(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith((f"{place}.", f"{place}[")) for place in places)


def _top(path: str) -> str:
    return re.split(r"[.\[]", path, maxsplit=1)[0]


def _without_indexes(path: str) -> str:
    return ".".join(part.split("[")[0] for part in path.split("."))
