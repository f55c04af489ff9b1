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
    """The environment is not one that the app can run in. The text is one sentence for a person and shows no value."""


def _postgresql(url: SecretStr) -> SecretStr:
    try:
        parsed = make_url(url.get_secret_value())
    except (ArgumentError, ValueError):  # the latter for a port that is no number, and may be part of the password
        parsed = None
    if parsed is None or parsed.get_backend_name() not in ("postgresql", "postgres"):
        # Without its cause, which would show the address with its password.
        raise ValueError("is not postgresql://user:password@host/database") from None
    return url


def _long(secret: SecretStr) -> SecretStr:
    if len(secret) < SECRET_LENGTH:
        raise ValueError(f"is shorter than {SECRET_LENGTH} characters")
    return secret


class DatabaseSettings(BaseSettings):
    """What the migrations need.

    database_url: postgresql://user:password@host/database, with any parameter of libpq after a question mark.
    """

    model_config = SettingsConfigDict(hide_input_in_errors=True, env_ignore_empty=True)

    database_url: Annotated[SecretStr, AfterValidator(_postgresql)]

    def database(self) -> URL:
        """The database's address for SQLAlchemy, with the driver that this app uses."""
        return make_url(self.database_url.get_secret_value()).set(drivername="postgresql+psycopg")


class Settings(DatabaseSettings):
    """What the server needs.

    better_auth_secret: signs the bearer tokens. 32 characters or more: HS256 takes 256 bits (RFC 7518, section 3.2).
    cohere_base_url: another address than Cohere's own, for a proxy or a test.
    events_topic: where changes of todos are published. Without one the app has no sidecar and publishes nothing.
    events_pubsub: the name of the Dapr component that leads there.
    dapr_http_port, dapr_grpc_port: of the sidecar. Dapr's injector sets both variables.
    """

    better_auth_secret: Annotated[SecretStr, AfterValidator(_long)]
    cohere_api_key: SecretStr
    cohere_model: str = "command-a-03-2025"
    cohere_base_url: str = "https://api.cohere.com"
    events_topic: str = ""
    events_pubsub: str = "todo-pubsub"
    dapr_http_port: Port = 3500
    dapr_grpc_port: Port = 50001
    # Every interface of the pod, because the kubelet's probes come from outside of it.
    host: str = "0.0.0.0"  # noqa: S104
    port: Port = 8000


def load(kind: type[AnySettings]) -> AnySettings:
    """The settings that the environment holds.

    Raises SettingsError, which names every variable that is missing or wrong.
    """
    try:
        return kind()
    except ValidationError as error:
        mistakes = [f"{str(part['loc'][0]).upper()} {_told(part['type'], part['msg'])}" for part in error.errors()]
        raise SettingsError(f"cannot start: {', '.join(mistakes)}; see backend/README.md for each variable") from None


def _told(kind: str, message: str) -> str:
    match kind:
        case "missing":
            return "is not set"
        case "value_error":
            return message.removeprefix("Value error, ")
        case _:
            return f"is not valid ({message})"
