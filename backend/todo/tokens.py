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
    """A token that proves nothing. The text is one sentence for a person."""


class Claims(BaseModel):
    """What a token says: `sub` is the user's name, `exp` the end of the token's life."""

    sub: Annotated[str, Field(min_length=1, max_length=USER_LENGTH), STORABLE]
    exp: datetime


def issue(user: str, life: timedelta, secret: SecretStr) -> str:
    """A token for `user`. Raises pydantic's ValidationError where that can be no user's name."""
    claims = Claims(sub=user, exp=datetime.now(UTC) + life)
    return jwt.encode(claims.model_dump(), secret.get_secret_value(), ALGORITHM)


def read(token: str, secret: SecretStr) -> Claims:
    """The claims of a token that is valid now. Raises TokenError."""
    try:
        claims = jwt.decode(token, secret.get_secret_value(), [ALGORITHM], options={"require": ["sub", "exp"]})
        return Claims.model_validate(claims)
    except jwt.ExpiredSignatureError:
        raise TokenError("Sign in again: the token has expired.") from None
    except (jwt.InvalidTokenError, ValidationError):
        raise TokenError("Sign in again: the token is not valid.") from None
