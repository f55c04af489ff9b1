"""Responses of outside services."""

from typing import Any

import httpx2

from system.errors import UserError


def json_of(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        raise UserError(
            f"{response.url.host} did not answer with JSON; a proxy may have answered.", f"curl '{response.url}'"
        ) from None
