import io
from pathlib import Path

import pytest

from delivery.ci import summary


def copy(text: str, page: Path | None) -> str:
    """Return what reaches the log."""
    target = io.StringIO()
    environment = {"GITHUB_STEP_SUMMARY": str(page)} if page else {}
    summary.copy("Verification", io.StringIO(text), target, environment)
    return target.getvalue()


@pytest.mark.parametrize(
    ("text", "section"),
    [
        ("\x1b[32mfrontend\x1b[0m\n\n  ${{ x }} <b>\n", "```text\nfrontend\n\n  ${{ x }} <b>\n```"),
        ("", "```text\nnothing\n```"),
        ("````\n# Deployed\n", "`````text\n````\n# Deployed\n`````"),  # no text ends its own block
    ],
)
def test_text_is_in_the_log_and_a_section_of_the_page(tmp_path: Path, text: str, section: str) -> None:
    page = tmp_path / "page"
    page.write_text("## Before\n\n")

    assert copy(text, page) == text
    assert page.read_text() == f"## Before\n\n## Verification\n\n{section}\n\n"


def test_end_of_a_long_text_is_kept(tmp_path: Path) -> None:
    copy("é" * 1_000_000 + " the end\n", tmp_path / "page")

    assert (tmp_path / "page").stat().st_size < 1024 * 1024
    assert "é the end\n```" in (tmp_path / "page").read_text()


def test_there_is_no_page_outside_of_a_workflow() -> None:
    assert copy("ready\n", None) == "ready\n"
