"""`python -m delivery doctor`: whether all that a stack needs is there, without asking or writing anything."""

from collections.abc import Mapping

from delivery import checks, report, stack_config
from delivery.checks.situation import Apis, situation


def examine(stack: str, environment: Mapping[str, str], apis: Apis | None = None) -> tuple[str, int]:
    """One line for each check, below each problem what mends it, and how many problems there are.

    Raises CommandError outside of the project's folder.
    """
    stack_config.declarations()
    found = checks.look(situation(stack, environment, apis or Apis()), checks.CHECKS)
    return report.plain(found), sum(check.state == "failed" for check in found)
