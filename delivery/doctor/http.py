"""What an outside service answers."""

from typing import Any

import httpx2

from system.errors import UserError


def document(response: httpx2.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        host = response.url.host
        raise UserError(
            f"What answers at {host} is not {host}, but a proxy perhaps.\n    curl {response.url}   shows it"
        ) from None
