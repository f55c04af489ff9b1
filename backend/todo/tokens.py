"""Bearer tokens signed with BETTER_AUTH_SECRET.

Source: https://datatracker.ietf.org/doc/html/rfc7519
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import jwt
from pydantic import BaseModel, Field, SecretStr, ValidationError

from .models import USER_LENGTH
from .text import STORABLE

ALGORITHM = "HS256"


class TokenError(Exception):
    """The token is invalid or has expired. The text is one sentence for the user."""


class Claims(BaseModel):
    """A token's claims: `sub` is the user's name, `exp` the expiry."""

    sub: Annotated[str, Field(min_length=1, max_length=USER_LENGTH), STORABLE]
    exp: datetime


def issue(user: str, life: timedelta, secret: SecretStr) -> str:
    """Return a token for `user`. Raises pydantic's ValidationError for an invalid name."""
    claims = Claims(sub=user, exp=datetime.now(UTC) + life)
    return jwt.encode(claims.model_dump(), secret.get_secret_value(), ALGORITHM)


def read(token: str, secret: SecretStr) -> Claims:
    """Return the claims of a valid token. Raises TokenError."""
    try:
        claims = jwt.decode(token, secret.get_secret_value(), [ALGORITHM], options={"require": ["sub", "exp"]})
        return Claims.model_validate(claims)
    except jwt.ExpiredSignatureError:
        raise TokenError("Sign in again: the token has expired.") from None
    except (jwt.InvalidTokenError, ValidationError):
        raise TokenError("Sign in again: the token is not valid.") from None
