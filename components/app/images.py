"""The app's two images, built here or found in the registry; a release names them by digest."""

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


# Media types for attestations, and the commit's time on every file: each build of a commit makes the same layers. The
# provider's typed export lacks both: https://docs.docker.com/build/exporters/image-registry/
_EXPORT = "type=registry,oci-mediatypes=true,rewrite-timestamp=true"

# On the index and on each platform's manifest. GitHub's registry reads them, and not the label, to decide which
# repository's workflows may push an index again: https://github.com/docker/metadata-action/issues/355
_SOURCE_ANNOTATIONS = ("annotation-index.org.opencontainers.image.source", "annotation.org.opencontainers.image.source")

# As build arguments, because the provider passes no attestations (pulumi-docker-build#73).
# https://github.com/moby/buildkit/blob/master/frontend/attestations/parse.go
_ATTESTATIONS = {
    "BUILDKIT_ATTEST_PROVENANCE": "mode=max",
    "BUILDKIT_ATTEST_SBOM": "generator=docker.io/docker/buildkit-syft-scanner:stable-1",
}


@dataclass(frozen=True)
class PullCredentials:
    """The login to a private registry."""

    registry: str  # its host in image references, such as ghcr.io
    user: str
    token: SecretStr  # with permission to read packages


@dataclass(frozen=True)
class Build:
    """Images to build from ./frontend and ./backend and to push with Docker's login."""

    registry: str  # with the owner, such as ghcr.io/owner
    platforms: Sequence[str]  # such as linux/arm64
    cache: Literal["registry", "gha", "off"]  # layers between builds: beside the image, in GitHub's cache, or none
    source: str | None  # the repository's URL, for the label and the annotations
    frontend: Revision
    backend: Revision


@dataclass(frozen=True)
class Registry:
    """References to images in the registry; each tag is resolved to its present digest."""

    frontend: str
    backend: str
    credentials: PullCredentials | None  # None for public images


@dataclass(frozen=True)
class Pinned:
    """References to images in the registry, used as they are."""

    frontend: str
    backend: str


@dataclass(frozen=True)
class AppImagesArgs:
    """Arguments of AppImages."""

    source: Build | Registry | Pinned


class AppImages(pulumi.ComponentResource):
    """The images of the frontend and the backend.

    The same commit shows no change in a preview: the provider compares inputs and a hash of the context. If it does
    build again, as for another cache, each platform's manifest keeps its digest. The released digest is the index's and
    changes, because the attestations in it record the time of the build.
    """

    frontend: pulumi.Output[str]  # with tag and digest (name:tag@sha256:…) unless it is pinned
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
        """Build and push an image; return its reference.

        Source: https://www.pulumi.com/registry/packages/docker-build/api-docs/image/
        """
        import pulumi_docker_build as docker_build

        repository = f"{build.registry}/todo-{app}"
        version = f"sha-{revision.short}"
        read, written = _caches(build.cache, repository)
        build_args = {
            "SOURCE": build.source or "",
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
            push=False,  # a second export, without the first one's options
            build_on_preview=False,
            cache_from=read,
            cache_to=written,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Otherwise the image is deleted from the registry too, where a rollback needs it.
                retain_on_delete=True,
                hooks=pulumi.ResourceHookBinding(
                    on_error=[failed_step_hook(f"todo-{app}", app, build.platforms, build_args, resource=self)]
                ),
            ),
        )
        return image.digest.apply(lambda digest: f"{repository}:{version}@{digest}")

    def _resolved(
        self, name: str, references: Sequence[str], credentials: PullCredentials | None
    ) -> list[pulumi.Output[str]]:
        """Return the references, each with the present digest of its tag."""
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
    """Arguments of PullSecret."""

    namespace: pulumi.Input[str]
    protect: bool  # refuse deletion
    credentials: PullCredentials


class PullSecret(pulumi.ComponentResource):
    """The Kubernetes secret with which nodes pull from a private registry."""

    name: pulumi.Output[str]  # known once the secret exists

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


def _export(source: str | None) -> str:
    return ",".join([_EXPORT, *(f"{name}={source}" for name in _SOURCE_ANNOTATIONS if source)])


def _caches(
    kind: Literal["registry", "gha", "off"], repository: str
) -> "tuple[list[CacheFromArgs], list[CacheToArgs]]":
    """Return the caches that a build reads and writes; a failed write fails no build.

    Source: https://docs.docker.com/build/cache/backends/
    """
    import pulumi_docker_build as docker_build

    mode = docker_build.CacheMode.MAX
    match kind:
        case "registry":
            ref = f"{repository}:buildcache"
            # As an image, because not every registry accepts an index of layers.
            written = docker_build.CacheToRegistryArgs(
                ref=ref, mode=mode, ignore_error=True, image_manifest=True, oci_media_types=True
            )
            read = docker_build.CacheFromRegistryArgs(ref=ref)
            return [docker_build.CacheFromArgs(registry=read)], [docker_build.CacheToArgs(registry=written)]
        case "gha":
            scope = repository.rpartition("/")[2]
            read = docker_build.CacheFromGitHubActionsArgs(scope=scope)
            written = docker_build.CacheToGitHubActionsArgs(scope=scope, mode=mode, ignore_error=True)
            return [docker_build.CacheFromArgs(gha=read)], [docker_build.CacheToArgs(gha=written)]
        case "off":
            return [], []


def _docker_config(credentials: PullCredentials) -> str:
    # https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets
    login = {"username": credentials.user, "password": credentials.token.get_secret_value()}
    return json.dumps({"auths": {credentials.registry: login}})
