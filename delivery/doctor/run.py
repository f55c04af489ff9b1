"""`python -m delivery doctor`: preflight checks, without questions and without changes."""

from collections.abc import Callable, Mapping

from delivery import report
from delivery.doctor import checks
from delivery.doctor.context import Apis, load_context
from delivery.engine import stack_config
from system.errors import UserError


def run(stack: str, environment: Mapping[str, str], echo: Callable[[str], None], apis: Apis | None = None) -> None:
    """Print a line for each check. Raises UserError where a check fails, and outside of the project's folder."""
    stack_config.declarations()
    results = checks.run_checks(load_context(stack, environment, apis or Apis()), checks.CHECKS)
    echo(report.plain(results))
    if failed := [check.name for check in results if check.state == "failed"]:
        raise UserError(
            f"{len(failed)} of {len(results)} checks failed: {', '.join(failed)}",
            f"python -m delivery setup --stack {stack}",
        )
