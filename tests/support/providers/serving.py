"""The start and stop of the doubles."""

from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from tests.support.providers.github import Github
from tests.support.providers.images import Docker, DockerBuild, Registry
from tests.support.providers.oci import Oci
from tests.support.providers.provider import Provider

_AT_ONCE = 16  # requests to one provider: as many as the engine runs steps in parallel


@dataclass(frozen=True)
class Doubles:
    oci: Oci
    github: Github
    docker_build: DockerBuild
    docker: Docker
    registry: Registry
    environment: Mapping[str, str]  # with which the engine attaches to them


@contextmanager
def serve(folder: Path) -> Generator[Doubles]:
    """Run the doubles for an engine in `folder`, with its relative build contexts."""
    registry = Registry()
    oci, github, docker_build, docker = Oci(), Github(), DockerBuild(folder, registry), Docker(registry)
    with ExitStack() as stack:
        providers = (oci, github, docker_build, docker)
        attach = ",".join(f"{each.package}:{stack.enter_context(_served(each))}" for each in providers)
        yield Doubles(oci, github, docker_build, docker, registry, {"PULUMI_DEBUG_PROVIDERS": attach})


@contextmanager
def _served(provider: Provider) -> Generator[int]:
    """Run a provider and yield its port."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
        server = grpc.server(threads, options=unlimited)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield port
        finally:
            server.stop(grace=None).wait()
