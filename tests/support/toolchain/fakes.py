"""Fakes of the commands that a user has on PATH."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.toolchain.publisher import zipped

_BETWEEN = "\x1f"

_GO = r"""#!/bin/sh
call=$(printf '%s\037' "$(basename "$PWD")" "$CGO_ENABLED" "$$" "$@")
printf '%s\n' "$call" >> '{folder}/calls'  # at once: two builds may write at the same time
case "$1" in
env) printf '%s\n' '{version}' '{folder}' ;;
mod) echo '{{"Zip": "{folder}/module.zip", "Version": "v1.2.3+incompatible"}}' ;;
build)
    while [ "$1" != -ldflags ]; do
        [ "$1" = -o ] && output=$2
        shift
    done
    shift 2
    for package; do
        case "$output" in */) file=$output${{package##*/}} ;; *) file=$output ;; esac
        printf '#!/bin/sh\necho built\n' > "$file" && chmod +x "$file"
    done
    module=$(basename "$PWD")
    {then} ;;
esac
"""


def executable(path: Path, says: str) -> None:
    """Makes `path` an executable that prints `says`, whatever it is asked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


@dataclass(frozen=True)
class GoCall:
    module: str
    cgo: str
    pid: int
    arguments: list[str]


@dataclass(frozen=True)
class Go:
    """A go command in the folder `path`, with what it needs and remembers in `folder`."""

    path: Path
    folder: Path

    def install(self, version: str = "go1.26.8", then: str = ":") -> None:
        """Makes the command write executables, and after them run `then` in a shell, where $module names the module."""
        self.folder.mkdir(exist_ok=True)
        chart = {"Chart.yaml": "version: 0.0.0", "values.yaml": "tag: 0.0.0"}
        module = "example.org/chart@v1.2.3+incompatible"  # as go names a module from before there were modules
        members = {f"{module}/charts/chart/{name}": text for name, text in chart.items()}
        (self.folder / "module.zip").write_bytes(zipped({f"{module}/README.md": "", **members}))
        (self.path / "go").write_text(_GO.format(folder=self.folder, version=version, then=then))
        (self.path / "go").chmod(0o755)

    def uninstall(self) -> None:
        (self.path / "go").unlink()

    def calls(self, command: str) -> list[GoCall]:
        """The calls of `go <command>` so far."""
        calls = self.folder / "calls"
        lines = calls.read_text().splitlines() if calls.exists() else []
        fields = [line.rstrip(_BETWEEN).split(_BETWEEN) for line in lines]
        return [GoCall(module, cgo, int(pid), rest) for module, cgo, pid, *rest in fields if rest[0] == command]


_NPM = r"""#!/bin/sh
PATH=/usr/bin:/bin
case "$1" in
--version) echo '{version}' ;;
*)
    echo "$PWD: $*" >> '{calls}'
    mkdir -p node_modules && touch node_modules/.package-lock.json
    {then} ;;
esac
"""


@dataclass(frozen=True)
class Npm:
    """The commands node and npm in the folder `path`, and a file `calls` of what npm was asked."""

    path: Path
    calls_file: Path

    def install(self, node: str = "v20.20.2", npm: str = "10.8.2", then: str = ":") -> None:
        """Makes npm create node_modules, and then run `then` in a shell."""
        executable(self.path / "node", node)
        (self.path / "npm").write_text(_NPM.format(version=npm, calls=self.calls_file, then=then))
        (self.path / "npm").chmod(0o755)

    def calls(self) -> list[str]:
        """The folder and the arguments of each call so far."""
        return self.calls_file.read_text().splitlines() if self.calls_file.exists() else []


_APT_GET = r"""#!/bin/sh
PATH=/usr/bin:/bin
quiet=
for file in '{system}/usr/sbin/policy-rc.d' '{system}/etc/postgresql-common/createcluster.conf'; do
    [ -x "$file" ] && quiet="$quiet $(tail -n 1 "$file")"
done
echo "$DEBIAN_FRONTEND: $* |$quiet" >> '{system}/apt-calls'
case "$*" in
{then}
esac
"""


@dataclass(frozen=True)
class AptGet:
    """The command apt-get in the folder `path`, which installs into `system`."""

    path: Path
    system: Path

    def install(self, then: str) -> None:
        """Makes the command run `then`, clauses of a shell's `case` over its arguments."""
        (self.system / "usr" / "sbin").mkdir(parents=True, exist_ok=True)
        (self.path / "apt-get").write_text(_APT_GET.format(system=self.system, then=then))
        (self.path / "apt-get").chmod(0o755)

    def calls(self) -> list[str]:
        """The arguments of each call so far, and after | what keeps services from starting then."""
        calls = self.system / "apt-calls"
        return calls.read_text().splitlines() if calls.exists() else []
