import dataclasses
from http import HTTPStatus

import pytest

from tests.support.github_api import REPOSITORY
from tests.support.machine import PAGES, SECRETS, Fault, Machine, github_status, removed, variable

NEW_TOKEN = "\nhint: read -rs GITHUB_TOKEN && export GITHUB_TOKEN"


def forbidden(page: str) -> Fault:
    return github_status(f"{PAGES}{page}", HTTPStatus.FORBIDDEN)


def missing(page: str) -> Fault:
    return github_status(f"{PAGES}{page}", HTTPStatus.NOT_FOUND)


@pytest.mark.parametrize(
    ("fault", "name", "evidence"),
    [
        (variable("GITHUB_TOKEN", "canary"), "GitHub token", NEW_TOKEN),
        (variable("GITHUB_TOKEN", "canary…"), "GitHub token", "not ASCII"),
        (missing(""), "GitHub token", "hint: pulumi config set repository OWNER/NAME"),
        (github_status(PAGES, HTTPStatus.BAD_GATEWAY), "GitHub token", "502"),
        (forbidden("/actions/permissions"), "GitHub token", "Administration"),
        (forbidden("/environments"), "GitHub token", "Actions"),
        (
            lambda machine: machine.github.headers.update({"x-oauth-scopes": "public_repo, read:org"}),
            "GitHub token",
            "the scopes public_repo, read:org",
        ),
        (forbidden("/environments/preview/secrets"), "GitHub preview", "Environments"),
        (
            missing("/environments/preview/secrets"),
            "GitHub preview",
            f"for name in {' '.join(SECRETS)}; do gh secret set $name --env preview --repo {REPOSITORY}; done",
        ),
        (removed("github/production/OCI_CLI_USER"), "GitHub production", "for name in OCI_CLI_USER; do"),
        (forbidden("/actions/variables/PULUMI_BACKEND_URL"), "GitHub variable", "Variables"),
        (
            missing("/actions/variables/PULUMI_BACKEND_URL"),
            "GitHub variable",
            f"\nhint: gh variable set PULUMI_BACKEND_URL --repo {REPOSITORY} --body 'file:///state'",
        ),
    ],
)
def test_refusal_or_gap_on_github_fails_its_check(machine: Machine, fault: Fault, name: str, evidence: str) -> None:
    fault(machine)

    found = machine.failure(name)

    assert evidence in found
    assert "canary" not in found


def test_missing_token_is_reported_once(machine: Machine) -> None:
    machine.patch.delenv("GITHUB_TOKEN")

    states = {name: check.state for name, check in machine.checks().items() if name.startswith("GitHub ")}

    assert states.pop("GitHub token") == "failed"
    assert {*states.values()} == {"not applicable"}


def test_token_of_an_app_is_accepted(machine: Machine) -> None:
    machine.github.answers["/user"] = (HTTPStatus.FORBIDDEN, {})

    assert machine.check("GitHub token").state == "passed"


def test_page_of_a_proxy_is_reported(machine: Machine) -> None:
    machine.github.answers["/user"] = (HTTPStatus.OK, b"<html>")

    assert "hint: curl 'http://127.0.0.1" in machine.check("GitHub token").evidence


@pytest.mark.parametrize("name", ["OCI key", "GitHub token"])
def test_unreachable_service_is_reported(machine: Machine, name: str) -> None:
    fields = [field.name for field in dataclasses.fields(machine.apis)]
    machine.apis = dataclasses.replace(machine.apis, **dict.fromkeys(fields, "http://127.0.0.1:1"))

    assert "\nhint: curl " in machine.failure(name)
