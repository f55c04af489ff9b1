"""The preflight checks of a stack, in the order in which to repair their findings. No check writes anything."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from delivery.doctor import backend, github, oci, tools
from delivery.doctor.context import Context, NotApplicable
from delivery.doctor.requirements import ENVIRONMENTS
from delivery.report import Check
from system.errors import UserError

# Each returns its evidence, or raises NotApplicable or UserError.
CHECKS: Mapping[str, Callable[[Context], str]] = {
    "pulumi": tools.pulumi,
    "git": tools.git,
    "state": backend.state,
    "passphrase": backend.passphrase,
    "stack": backend.stack,
    "settings": backend.settings,
    "docker": tools.docker,
    "registry": tools.registry_login,
    "trivy": tools.trivy,
    "OCI key": oci.key,
    "OCI access": oci.access,
    "OCI domains": oci.domains,
    "OCI limits": oci.limits,
    "GitHub token": github.token,
    "GitHub variable": github.variable,
    **{f"GitHub {environment}": github.environment(environment) for environment in ENVIRONMENTS},
}
# The first update does not need these.
WORKFLOW_CHECKS = frozenset(name for name in CHECKS if name.startswith("GitHub ") and name != "GitHub token")


def run_checks(context: Context, names: Collection[str]) -> list[Check]:
    """Run the named checks side by side, each within the context's timeout."""
    chosen = {name: check for name, check in CHECKS.items() if name in names}
    with ThreadPoolExecutor(len(chosen)) as threads:
        return [*threads.map(lambda name: _run(name, chosen[name], context), chosen)]


def _run(name: str, check: Callable[[Context], str], context: Context) -> Check:
    try:
        return Check(name, "passed", check(context))
    except NotApplicable as why:
        return Check(name, "not applicable", str(why))
    except UserError as error:
        return Check(name, "failed", str(error))
