"""`python -m delivery summary`: what goes through it is on the page of the workflow run too."""

import io
from pathlib import Path

import pytest

from delivery.__main__ import main


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "page"))
    return tmp_path / "page"


def summarise(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))
    assert main(["summary", "Verification"]) == 0


def test_the_log_has_it_as_it_is_and_the_page_as_a_section(
    page: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page.write_text("## Before\n\n")

    summarise(monkeypatch, "\x1b[32mfrontend\x1b[0m is ready\n\n  ${{ x }} <b>\n")

    assert capsys.readouterr().out == "\x1b[32mfrontend\x1b[0m is ready\n\n  ${{ x }} <b>\n"
    assert page.read_text() == ("## Before\n\n## Verification\n\n```text\nfrontend is ready\n\n  ${{ x }} <b>\n```\n\n")


def test_nothing_is_said_to_be_nothing(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summarise(monkeypatch, "")

    assert page.read_text() == "## Verification\n\n```text\nnothing\n```\n\n"


def test_no_text_ends_its_own_block(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summarise(monkeypatch, "````\n# Deployed\n")

    assert page.read_text() == "## Verification\n\n`````text\n````\n# Deployed\n`````\n\n"


def test_of_a_long_text_the_end_is_there(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summarise(monkeypatch, "é" * 1_000_000 + " the end\n")

    assert page.stat().st_size < 1024 * 1024
    assert "é the end\n```" in page.read_text()


def test_on_a_laptop_there_is_no_page(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    summarise(monkeypatch, "ready\n")

    assert capsys.readouterr().out == "ready\n"
