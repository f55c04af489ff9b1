"""README.md agrees with the code."""

import re

from pydantic_core import PydanticUndefined

from todo.settings import Settings

from .conftest import BACKEND


def test_every_setting_is_documented_with_its_default() -> None:
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? \| .+\.? \|$", (BACKEND / "README.md").read_text(), re.MULTILINE
    )
    defaults = {
        name.upper(): "" if field.default is PydanticUndefined else str(field.default)
        for name, field in Settings.model_fields.items()
    }
    assert dict(rows) == defaults
