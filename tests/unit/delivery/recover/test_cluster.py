from collections.abc import Callable
from http import HTTPStatus

import pytest

from tests.support import example
from tests.support.api_server import ApiServer
from tests.support.stuck_stack import RECORDS, StuckStack


@pytest.mark.usefixtures("stack")
def test_refusal_of_the_api_server_is_reported_without_a_secret(
    api_server: ApiServer, recover: Callable[..., str]
) -> None:
    api_server.answers = {}
    api_server.refuses(RECORDS, HTTPStatus.FORBIDDEN, "secrets is forbidden")

    printed = recover(code=1)

    assert "secrets is forbidden" in printed
    assert example.CANARY not in printed


def test_unusable_kubeconfig_is_reported_without_its_content(stack: StuckStack, recover: Callable[..., str]) -> None:
    stack.has_provider_of("users: [{user: {token: canary-token}}]\n")

    printed = recover(code=1)

    assert "kubeconfig in the state of stack oke" in printed
    assert example.CANARY not in printed
