"""Every version, address and Go package of the toolchain.

To raise a version, change it here and in `go/<module>/go.mod` (then run `go mod tidy` there), and for Pulumi and its
Kubernetes provider in pyproject.toml. The tests compare the three. Kafka's version is in `kafka/pom.xml`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PINS_FILE = "tools/toolchain/pins.py"


@dataclass(frozen=True)
class Release:
    """A file that the publisher serves, with its SHA-256 in the same folder.

    The texts may use {version}, {os}, {arch}, {x64} (Pulumi's name of amd64), {system} and {machine} (uname's names of
    the two, but arm64 on Linux too) and {archive} (zip on macOS, else tar.gz).
    """

    site: str
    file: str
    checksums: str  # a file in sha256sum's format, or with a bare sum
    member: str = ""  # the tool's path in the archive; empty where the file is the tool
    systems: tuple[str, ...] = ("linux", "darwin")


@dataclass(frozen=True)
class GoModule:
    """A folder under tools/go whose go.mod and go.sum pin everything that its executables are built from."""

    folder: str
    seconds: int  # a build without Go's cache on two cores
    variables: Mapping[str, str] = field(default_factory=dict[str, str])  # as the publisher's build sets them with -X
    tags: tuple[str, ...] = ()  # the publisher's build tags


@dataclass(frozen=True)
class Tool:
    """An executable."""

    name: str
    version: str
    module: GoModule
    package: str  # of Go
    ask: tuple[str, ...]  # arguments that print its version, before any other one
    release: Release | None = None
    beside: tuple[str, ...] = ()  # executables that it needs in its folder, and that its publisher puts there


@dataclass(frozen=True)
class Chart:
    """A Helm chart: its publisher's archive, and its source in a Go module."""

    name: str
    version: str
    url: str
    sha256: str  # of the archive
    module: str
    folder: str
    replacements: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """The changes of the publisher's packing: file name to (text in the module, text in the archive)."""


@dataclass(frozen=True)
class Jars:
    """A Java program."""

    folder: str  # under tools; its jars.sha256 locks the class path
    repository: str  # of Maven


@dataclass(frozen=True)
class Programs:
    """Programs of one system package, in the system's version."""

    title: str
    names: tuple[tuple[str, ...], ...]  # alternative names, each tuple in one folder; .tools/bin uses the first tuple
    apt: str
    brew: str
    folders: tuple[str, ...] = ()  # patterns, relative to the root, of folders to search after PATH
    variable: str = ""  # an environment variable with the user's own path


@dataclass(frozen=True)
class Runtime:
    """A command that the user installs."""

    title: str
    command: str
    minimum: int  # major version
    guide: str  # a page about its installation


@dataclass(frozen=True)
class App:
    """The needs of the app in backend and frontend beside the packages that it locks."""

    name: str
    runtimes: tuple[Runtime, ...]
    programs: tuple[Programs, ...]
    tools: tuple[Tool, ...] = ()
    jars: tuple[Jars, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all its executables."""
        return (
            *(name for programs in self.programs for name in programs.names[0]),
            *(tool.name for tool in self.tools),
        )


@dataclass(frozen=True)
class Pins:
    """Everything that the bootstrap provides."""

    tools: tuple[Tool, ...]
    plugin: Tool  # the provider, for the engine's folder of plug-ins
    charts: tuple[Chart, ...]
    test_tools: tuple[Tool, ...]  # of the delivery's tests
    app: App
    app_tests: App


PULUMI = GoModule(
    "pulumi",
    seconds=250,
    variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": "v3.259.0"},
)
PULUMI_KUBERNETES = GoModule(
    "pulumi-kubernetes",
    seconds=530,
    variables={"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version": "v4.25.0"},
)
KUBERNETES = GoModule(
    "kubernetes",
    seconds=350,
    variables={  # https://github.com/kubernetes/kubernetes/blob/v1.35.4/hack/lib/version.sh
        f"{package}.{name}": value
        for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        for name, value in {
            "gitVersion": "v1.35.4",
            "gitMajor": "1",
            "gitMinor": "35",
            "gitCommit": "unknown",  # a Go module carries none, no more than a source archive does
            "gitTreeState": "archive",
        }.items()
    },
)
KWOK = GoModule("kwok", seconds=110)
ETCD = GoModule("etcd", seconds=70)
HELM = GoModule(
    "helm",
    seconds=80,
    variables={  # https://github.com/helm/helm/blob/v3.22.0/Makefile
        "helm.sh/helm/v3/internal/version.version": "v3.22.0",
        # The Kubernetes that it takes a chart to be for where it asks none: that of its client-go.
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": "1",
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": "37",
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor": "1",
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor": "37",
    },
)
ACTIONLINT = GoModule("actionlint", seconds=20, variables={"github.com/rhysd/actionlint.version": "1.7.12"})
CRANE = GoModule(
    "crane",
    seconds=30,
    variables={  # https://github.com/google/go-containerregistry/blob/v0.22.1/.goreleaser.yml
        "github.com/google/go-containerregistry/cmd/crane/cmd.Version": "0.22.1",
        "github.com/google/go-containerregistry/pkg/v1/remote/transport.Version": "0.22.1",
    },
)
VERSITYGW = GoModule(
    "versitygw",
    seconds=70,
    variables={"main.Version": "1.8.0"},  # https://github.com/versity/versitygw/blob/v1.8.0/.goreleaser.yaml
)

DAPR = GoModule(
    "dapr",
    seconds=270,
    variables={  # https://github.com/dapr/dapr/blob/v1.15.4/Makefile
        "github.com/dapr/dapr/pkg/buildinfo.version": "1.15.4",
        "github.com/dapr/kit/logger.DaprVersion": "1.15.4",
    },
    tags=("stablecomponents",),  # the smaller of its two builds has all that the app uses
)


def _kubernetes(name: str, ask: tuple[str, ...], systems: tuple[str, ...]) -> Tool:
    return Tool(
        name,
        version="1.35.4",
        module=KUBERNETES,
        package=f"k8s.io/kubernetes/cmd/{name}",
        ask=ask,
        release=Release(
            site="https://dl.k8s.io/release/v{version}/bin/{os}/{arch}",
            file=name,
            checksums=f"{name}.sha256",
            systems=systems,
        ),
    )


def _kwok(name: str) -> Tool:
    # Without a release: the publisher serves no checksums (hack/releases.sh of v0.8.0), so these are always built.
    return Tool(name, version="0.8.0", module=KWOK, package=f"sigs.k8s.io/kwok/cmd/{name}", ask=("--version",))


NODE = Runtime("Node", "node", minimum=20, guide="https://nodejs.org/en/download")
NPM = Runtime("npm", "npm", minimum=9, guide="https://nodejs.org/en/download")
JAVA = Runtime("Java", "java", minimum=17, guide="https://adoptium.net/installation/")

POSTGRESQL = Programs(
    "PostgreSQL's server",
    names=(("initdb", "postgres", "pg_ctl"),),
    apt="postgresql",
    brew="postgresql@17",
    folders=(
        "usr/lib/postgresql/*/bin",
        "opt/homebrew/opt/postgresql@*/bin",
        "usr/local/opt/postgresql@*/bin",
    ),
)
NGINX = Programs("nginx", names=(("nginx",),), apt="nginx", brew="nginx", folders=("usr/sbin", "usr/local/sbin"))
CHROMIUM = Programs(
    "Chromium",
    names=(("chromium",), ("chromium-browser",), ("google-chrome",)),
    apt="chromium",
    brew="--cask chromium",
    variable="CHROMIUM",
)

DAPRD = Tool(
    "daprd",
    version="1.15.4",
    module=DAPR,
    package="github.com/dapr/dapr/cmd/daprd",
    ask=("--version",),
    release=Release(  # https://github.com/dapr/dapr/blob/v1.15.4/.github/workflows/dapr.yml
        site="https://github.com/dapr/dapr/releases/download/v{version}",
        file="daprd_{os}_{arch}.tar.gz",
        checksums="daprd_{os}_{arch}.tar.gz.sha256",
        member="daprd",
    ),
)
KAFKA = Jars("kafka", repository="https://repo1.maven.org/maven2")

PINS = Pins(
    tools=(
        Tool(
            "pulumi",
            version="3.259.0",
            module=PULUMI,
            package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
            ask=("version",),
            release=Release(
                site="https://github.com/pulumi/pulumi/releases/download/v{version}",
                file="pulumi-v{version}-{os}-{x64}.tar.gz",
                checksums="pulumi-{version}-checksums.txt",
                member="pulumi/pulumi",
            ),
            beside=("pulumi-language-python", "pulumi-language-python-exec"),
        ),
        # The publisher builds the control plane for Linux alone.
        _kubernetes("kube-apiserver", ask=("--version",), systems=("linux",)),
        _kubernetes("kube-controller-manager", ask=("--version",), systems=("linux",)),
        _kubernetes("kube-scheduler", ask=("--version",), systems=("linux",)),
        _kubernetes("kubectl", ask=("version", "--client"), systems=("linux", "darwin")),
        _kwok("kwok"),
        _kwok("kwokctl"),
        Tool(
            "etcd",
            version="3.6.5",
            module=ETCD,
            package="go.etcd.io/etcd/server/v3",
            ask=("--version",),
            release=Release(
                site="https://github.com/etcd-io/etcd/releases/download/v{version}",
                file="etcd-v{version}-{os}-{arch}.{archive}",
                checksums="SHA256SUMS",
                member="etcd-v{version}-{os}-{arch}/etcd",
            ),
        ),
        Tool(
            "helm",
            version="3.22.0",
            module=HELM,
            package="helm.sh/helm/v3/cmd/helm",
            ask=("version", "--template", "{{.Version}}"),
            release=Release(
                site="https://get.helm.sh",
                file="helm-v{version}-{os}-{arch}.tar.gz",
                checksums="helm-v{version}-{os}-{arch}.tar.gz.sha256sum",
                member="{os}-{arch}/helm",
            ),
        ),
        Tool(
            "crane",
            version="0.22.1",
            module=CRANE,
            package="github.com/google/go-containerregistry/cmd/crane",
            ask=("version",),
            release=Release(
                site="https://github.com/google/go-containerregistry/releases/download/v{version}",
                file="go-containerregistry_{system}_{machine}.tar.gz",
                checksums="checksums.txt",
                member="crane",
            ),
        ),
        Tool(
            "actionlint",
            version="1.7.12",
            module=ACTIONLINT,
            package="github.com/rhysd/actionlint/cmd/actionlint",
            ask=("-version",),
            release=Release(  # https://github.com/rhysd/actionlint/blob/v1.7.12/.goreleaser.yaml
                site="https://github.com/rhysd/actionlint/releases/download/v{version}",
                file="actionlint_{version}_{os}_{arch}.tar.gz",
                checksums="actionlint_{version}_checksums.txt",
                member="actionlint",
            ),
        ),
    ),
    plugin=Tool(
        "pulumi-resource-kubernetes",
        version="4.25.0",
        module=PULUMI_KUBERNETES,
        package=".",
        ask=(),
        release=Release(
            site="https://github.com/pulumi/pulumi-kubernetes/releases/download/v{version}",
            file="pulumi-resource-kubernetes-v{version}-{os}-{arch}.tar.gz",
            checksums="pulumi-kubernetes_{version}_checksums.txt",
            member="pulumi-resource-kubernetes",
        ),
    ),
    # The sums are the digests in the index.yaml there; the last two as other projects pin them.
    charts=(
        Chart(
            "dapr",
            version="1.15.4",
            url="https://dapr.github.io/helm-charts/dapr-1.15.4.tgz",
            sha256="138cd61c5eb36b83fac5c49c3f43ad18ca49abb6ab4477cf1c4d564aac3b6c0c",
            module="github.com/dapr/dapr",
            folder="charts/dapr",
            replacements={"Chart.yaml": ("'0.0.0'", "'1.15.4'"), "values.yaml": ("'edge'", "'1.15.4'")},
        ),
        Chart(
            "traefik",
            version="41.6.0",
            url="https://traefik.github.io/charts/traefik/traefik-41.6.0.tgz",
            sha256="cd7254ea853da73bdb88edc896f079b88d43ffa0bfe699fdbf21081361eac365",
            module="github.com/traefik/traefik-helm-chart",
            folder="traefik",
        ),
        Chart(
            "cert-manager",
            version="1.21.2",
            url="https://charts.jetstack.io/charts/cert-manager-v1.21.2.tgz",
            sha256="73a56e1728edd6c99f1f31082618c3259d279a76b7ebd3d4bdc5475c2442d34a",
            module="github.com/cert-manager/cert-manager",
            folder="deploy/charts/cert-manager",
            # https://github.com/cert-manager/cert-manager/blob/v1.21.2/make/manifests.mk
            replacements={"Chart.yaml": ("v0.0.0", "v1.21.2")},
        ),
    ),
    test_tools=(
        Tool(
            "versitygw",
            version="1.8.0",
            module=VERSITYGW,
            package="github.com/versity/versitygw/cmd/versitygw",
            ask=("--version",),
            release=Release(
                site="https://github.com/versity/versitygw/releases/download/v{version}",
                file="versitygw_v{version}_{system}_{machine}.tar.gz",
                checksums="checksums.txt",
                member="versitygw_v{version}_{system}_{machine}/versitygw",
            ),
        ),
    ),
    app=App("app", runtimes=(NODE, NPM), programs=(POSTGRESQL,)),
    app_tests=App(
        "app-tests",
        runtimes=(NODE, NPM, JAVA),
        programs=(POSTGRESQL, NGINX, CHROMIUM),
        tools=(DAPRD,),
        jars=(KAFKA,),
    ),
)
