from http import HTTPStatus

from tests.support import example
from tests.support.stuck_stack import RECORDS, StuckStack


def test_refusal_of_the_api_server_is_reported_without_a_secret(stack: StuckStack) -> None:
    stack.cluster.answers = {}
    stack.cluster.refuses(RECORDS, HTTPStatus.FORBIDDEN, "secrets is forbidden")

    printed = stack.recover(code=1)

    assert "secrets is forbidden" in printed
    assert example.CANARY not in printed


def test_unusable_kubeconfig_is_reported_without_its_content(stack: StuckStack) -> None:
    stack.has_provider_of("users: [{user: {token: canary-token}}]\n")

    printed = stack.recover(code=1)

    assert "kubeconfig in the state of stack oke" in printed
    assert example.CANARY not in printed
