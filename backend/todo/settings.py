"""The configuration, from environment variables of the same names.

Source: https://docs.pydantic.dev/latest/concepts/pydantic_settings/
"""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

SECRET_LENGTH = 32
AnySettings = TypeVar("AnySettings", bound=BaseSettings)
Port = Annotated[int, Field(ge=1, le=65535)]


class SettingsError(Exception):
    """The environment lacks settings or has invalid ones. The text is one sentence, without any value."""


def _postgresql(url: SecretStr) -> SecretStr:
    try:
        parsed = make_url(url.get_secret_value())
    except (ArgumentError, ValueError):  # ValueError: a port that is no number, perhaps a part of the password
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres"):
        # Without the cause, which contains the password.
        raise ValueError("is not postgresql://user:password@host/database") from None
    return url


def _long(secret: SecretStr) -> SecretStr:
    if len(secret) < SECRET_LENGTH:
        raise ValueError(f"is shorter than {SECRET_LENGTH} characters")
    return secret


class DatabaseSettings(BaseSettings):
    """The settings of the migrations."""

    model_config = SettingsConfigDict(hide_input_in_errors=True, env_ignore_empty=True)

    database_url: Annotated[SecretStr, AfterValidator(_postgresql)]
    """postgresql://user:password@host/database, optionally with libpq's parameters after a question mark."""

    def database(self) -> URL:
        """Return the database's address for SQLAlchemy, with the app's driver."""
        return make_url(self.database_url.get_secret_value()).set(drivername="postgresql+psycopg")


class Settings(DatabaseSettings):
    """The settings of the server."""

    better_auth_secret: Annotated[SecretStr, AfterValidator(_long)]
    """Signs the bearer tokens. HS256 needs 256 bits (RFC 7518, section 3.2)."""
    cohere_api_key: SecretStr
    cohere_model: str = "command-a-03-2025"
    cohere_base_url: str = "https://api.cohere.com"
    events_topic: str = ""  # empty without a sidecar
    events_pubsub: str = "todo-pubsub"  # the Dapr component of the topic
    # Dapr's injector sets both variables.
    dapr_http_port: Port = 3500
    dapr_grpc_port: Port = 50001
    # All of the pod's interfaces: the kubelet's probes come from outside.
    host: str = "0.0.0.0"  # noqa: S104
    port: Port = 8000


def load(kind: type[AnySettings]) -> AnySettings:
    """Return the settings in the environment. Raises SettingsError with every missing or invalid variable."""
    try:
        return kind()
    except ValidationError as error:
        mistakes = [f"{str(part['loc'][0]).upper()} {_reason(part['type'], part['msg'])}" for part in error.errors()]
        raise SettingsError(f"cannot start: {', '.join(mistakes)}; see backend/README.md for each variable") from None


def _reason(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is not set"
        case "value_error":
            return message.removeprefix("Value error, ")
        case _:
            return f"is not valid ({message})"
