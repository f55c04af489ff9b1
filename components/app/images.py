"""The app's two images: built here, or found in the registry. What is released is named by digest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import SecretStr

from components.app.build_failure import failed_step_hook
from settings.names import PULL_SECRET
from system.git import Revision

if TYPE_CHECKING:
    from pulumi_docker_build import CacheFromArgs, CacheToArgs


# Media types that hold attestations, and each file with the commit's time, so that a layer is the same in each build of
# it. The provider's typed export has no field for that: https://docs.docker.com/build/exporters/image-registry/
_EXPORT = "type=registry,oci-mediatypes=true,rewrite-timestamp=true"

# Of the index and of each platform's manifest. By it, and not by the label alone, GitHub's registry knows of an index
# which repository's workflows may push it again: https://github.com/docker/metadata-action/issues/355
_SOURCE_ANNOTATIONS = ("annotation-index.org.opencontainers.image.source", "annotation.org.opencontainers.image.source")

# BuildKit takes its attestations as build arguments too, and the provider passes no other (pulumi-docker-build#73).
# https://github.com/moby/buildkit/blob/master/frontend/attestations/parse.go
_ATTESTATIONS = {
    "BUILDKIT_ATTEST_PROVENANCE": "mode=max",
    "BUILDKIT_ATTEST_SBOM": "generator=docker.io/docker/buildkit-syft-scanner:stable-1",
}


@dataclass(frozen=True)
class PullCredentials:
    """Who may pull from a private registry.

    registry: its host as references have it, like ghcr.io; user: the login; token: with the right to read packages.
    """

    registry: str
    user: str
    token: SecretStr


@dataclass(frozen=True)
class Build:
    """Built from ./frontend and ./backend and pushed, as whoever is logged in with Docker.

    registry: where to, like ghcr.io/owner. platforms: what for, like linux/arm64.
    cache: where layers are kept from one build to the next: beside the image, in GitHub's Actions cache, or nowhere.
    source: the address of the repository, for the label and the annotations.
    frontend, backend: the commits that the contexts are at.
    """

    registry: str
    platforms: Sequence[str]
    cache: Literal["registry", "gha", "off"]
    source: str
    frontend: Revision
    backend: Revision


@dataclass(frozen=True)
class Registry:
    """In the registry already: references of which a tag is resolved to the digest that it has now.

    credentials: who may read them, or None where everybody may.
    """

    frontend: str
    backend: str
    credentials: PullCredentials | None


@dataclass(frozen=True)
class Pinned:
    """In the registry already: references that are used as they are written."""

    frontend: str
    backend: str


@dataclass(frozen=True)
class AppImagesArgs:
    """source: where the images come from."""

    source: Build | Registry | Pinned


class AppImages(pulumi.ComponentResource):
    """The images of the frontend and the backend.

    frontend, backend: full references; with the tag and the digest (name:tag@sha256:…) unless they are pinned.

    Building the same commit again changes no preview, because the provider compares inputs and a hash of the context.
    Where it does build again, as for another cache, each platform's manifest keeps its digest; that of the index above
    it, which is the one released, changes with the attestations in it, which tell when the build was.
    """

    frontend: pulumi.Output[str]
    backend: pulumi.Output[str]

    def __init__(self, name: str, args: AppImagesArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:app:AppImages", name, opts=opts)
        match args.source:
            case Build() as build:
                self.frontend = self._built("frontend", build, build.frontend)
                self.backend = self._built("backend", build, build.backend)
            case Registry(frontend, backend, credentials):
                self.frontend, self.backend = self._resolved(name, [frontend, backend], credentials)
            case Pinned(frontend, backend):
                self.frontend, self.backend = pulumi.Output.from_input(frontend), pulumi.Output.from_input(backend)
        self.register_outputs({"frontend": self.frontend, "backend": self.backend})

    def _built(self, app: str, build: Build, revision: Revision) -> pulumi.Output[str]:
        """Builds and pushes an image.

        Source: https://www.pulumi.com/registry/packages/docker-build/api-docs/image/
        """
        import pulumi_docker_build as docker_build

        repository = f"{build.registry}/todo-{app}"
        version = f"sha-{revision.short}"
        read, written = _caches(build.cache, repository)
        build_args = {
            "SOURCE": build.source,
            "REVISION": revision.commit,
            "VERSION": version,
            "SOURCE_DATE_EPOCH": str(revision.time),
        }
        image = docker_build.Image(
            f"todo-{app}",
            context={"location": app},  # relative, to be the same on every machine
            platforms=[docker_build.Platform(platform) for platform in build.platforms],
            build_args={**build_args, **_ATTESTATIONS},
            tags=[f"{repository}:{version}", f"{repository}:latest"],
            exports=[{"raw": _export(build.source)}],
            push=False,  # it would be a second export, without what the first one says
            build_on_preview=False,
            cache_from=read,
            cache_to=written,
            opts=pulumi.ResourceOptions(
                parent=self,
                # A deleted image is deleted from the registry, where a rollback looks for it.
                retain_on_delete=True,
                hooks=pulumi.ResourceHookBinding(
                    on_error=[failed_step_hook(f"todo-{app}", app, build.platforms, build_args, told_on=self)]
                ),
            ),
        )
        return image.digest.apply(lambda digest: f"{repository}:{version}@{digest}")

    def _resolved(
        self, name: str, references: Sequence[str], credentials: PullCredentials | None
    ) -> list[pulumi.Output[str]]:
        """The references, each with the digest that its tag has now."""
        import pulumi_docker as docker

        provider = None
        if credentials is not None:
            provider = docker.Provider(
                name,
                registry_auth=[
                    {
                        "address": credentials.registry,
                        "username": credentials.user,
                        "password": pulumi.Output.secret(credentials.token.get_secret_value()),
                    }
                ],
                opts=pulumi.ResourceOptions(parent=self),
            )
        reading = pulumi.InvokeOptions(parent=self, provider=provider)

        def resolved(reference: str) -> pulumi.Output[str]:
            if "@" in reference:
                return pulumi.Output.from_input(reference)
            found = docker.get_registry_image_output(name=reference, opts=reading)
            return found.sha256_digest.apply(lambda digest: f"{reference}@{digest}")

        return [resolved(reference) for reference in references]


@dataclass(frozen=True)
class PullSecretArgs:
    """namespace: the app's namespace; protect: whether the secret refuses to be deleted."""

    namespace: pulumi.Input[str]
    protect: bool
    credentials: PullCredentials


class PullSecret(pulumi.ComponentResource):
    """The secret `registry-pull`, with which nodes pull from a private registry; `name` is known once it exists."""

    name: pulumi.Output[str]

    def __init__(self, name: str, args: PullSecretArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:app:PullSecret", name, opts=opts)
        secret = kubernetes.core.v1.Secret(
            PULL_SECRET,
            metadata={"name": PULL_SECRET, "namespace": args.namespace},
            type="kubernetes.io/dockerconfigjson",
            string_data={".dockerconfigjson": pulumi.Output.secret(_docker_config(args.credentials))},
            opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
        )
        self.name = secret.metadata.name
        self.register_outputs({"name": self.name})


def _export(source: str) -> str:
    return ",".join([_EXPORT, *(f"{name}={source}" for name in _SOURCE_ANNOTATIONS if source)])


def _caches(
    kind: Literal["registry", "gha", "off"], repository: str
) -> "tuple[list[CacheFromArgs], list[CacheToArgs]]":
    """Where a build reads layers from and writes all of them to; one that cannot be written fails no build.

    Source: https://docs.docker.com/build/cache/backends/
    """
    import pulumi_docker_build as docker_build

    every = docker_build.CacheMode.MAX
    match kind:
        case "registry":
            ref = f"{repository}:buildcache"
            # In the form of an image, because not every registry takes an index of layers.
            written = docker_build.CacheToRegistryArgs(
                ref=ref, mode=every, ignore_error=True, image_manifest=True, oci_media_types=True
            )
            read = docker_build.CacheFromRegistryArgs(ref=ref)
            return [docker_build.CacheFromArgs(registry=read)], [docker_build.CacheToArgs(registry=written)]
        case "gha":
            scope = repository.rpartition("/")[2]
            read = docker_build.CacheFromGitHubActionsArgs(scope=scope)
            written = docker_build.CacheToGitHubActionsArgs(scope=scope, mode=every, ignore_error=True)
            return [docker_build.CacheFromArgs(gha=read)], [docker_build.CacheToArgs(gha=written)]
        case "off":
            return [], []


def _docker_config(credentials: PullCredentials) -> str:
    # https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
    login = {"username": credentials.user, "password": credentials.token.get_secret_value()}
    return json.dumps({"auths": {credentials.registry: login}})
