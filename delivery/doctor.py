"""`python -m delivery doctor`: whether all that a stack needs is there, without asking or writing anything."""

from collections.abc import Mapping

from delivery import checks, report, stack_config


def examine(stack: str, environment: Mapping[str, str], apis: checks.Apis | None = None) -> tuple[str, int]:
    """One line for each check, below each problem what mends it, and how many problems there are.

    Raises CommandError outside of the project's folder.
    """
    stack_config.declarations()
    found = checks.look(checks.situation(stack, environment, apis or checks.Apis()), checks.CHECKS)
    return report.plain(found), sum(check.state == "failed" for check in found)
