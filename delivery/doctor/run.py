"""`python -m delivery doctor`: whether all that a stack needs is there, without asking or writing anything."""

from collections.abc import Mapping

from delivery import report
from delivery.doctor import checks
from delivery.doctor.context import Apis, situation
from delivery.engine import stack_config


def examine(stack: str, environment: Mapping[str, str], apis: Apis | None = None) -> tuple[str, int]:
    """One line for each check, below each problem what mends it, and how many problems there are.

    Raises UserError outside of the project's folder.
    """
    stack_config.declarations()
    found = checks.look(situation(stack, environment, apis or Apis()), checks.CHECKS)
    return report.plain(found), sum(check.state == "failed" for check in found)
