"""What a stack needs around it: each check tells what it saw, or a problem and what mends it. None of them writes."""

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor

from delivery.doctor import backend, github, oci, tools
from delivery.doctor.context import NotApplicable, Situation
from delivery.doctor.requirements import ENVIRONMENTS
from delivery.report import Check
from system.errors import UserError

# In the order in which to mend what they find.
CHECKS: Mapping[str, Callable[[Situation], str]] = {
    "pulumi": tools.pulumi,
    "git": tools.git,
    "state": backend.kept,
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
# Those of what the first update does not need.
WORKFLOW_CHECKS = frozenset(name for name in CHECKS if name.startswith("GitHub ") and name != "GitHub token")


def look(seen: Situation, names: Collection[str]) -> list[Check]:
    """Those of CHECKS that are named, side by side, each within seconds."""
    chosen = {name: check for name, check in CHECKS.items() if name in names}
    with ThreadPoolExecutor(len(chosen)) as threads:
        return [*threads.map(lambda name: _look(name, chosen[name], seen), chosen)]


def _look(name: str, check: Callable[[Situation], str], seen: Situation) -> Check:
    try:
        return Check(name, "passed", check(seen))
    except NotApplicable as why:
        return Check(name, "not applicable", str(why))
    except UserError as problem:
        return Check(name, "failed", str(problem))
