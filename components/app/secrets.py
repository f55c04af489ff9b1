"""The app's Kubernetes secrets, copied from the stack's encrypted settings."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as kubernetes
from pydantic import SecretStr

from components.app.postgres_dsn import for_pgx
from settings.names import APP_SECRETS, KAFKA_SECRETS, STATE_URL


@dataclass(frozen=True)
class AppSecretsArgs:
    """Arguments of AppSecrets."""

    namespace: pulumi.Input[str]
    protect: bool  # refuse deletion
    cohere_api_key: SecretStr
    better_auth_secret: SecretStr
    database_url: SecretStr
    kafka_username: SecretStr
    kafka_password: SecretStr


class AppSecrets(pulumi.ComponentResource):
    """The secrets that the app's pods read: APP_SECRETS and KAFKA_SECRETS."""

    checksums: Mapping[str, str]  # by secret; each changes with its values and with better_auth_secret

    def __init__(self, name: str, args: AppSecretsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("todo:app:AppSecrets", name, opts=opts)
        contents = {
            APP_SECRETS: {
                "cohere-api-key": args.cohere_api_key,
                "better-auth-secret": args.better_auth_secret,
                "database-url": args.database_url,
                STATE_URL: SecretStr(for_pgx(args.database_url.get_secret_value())),
            },
            KAFKA_SECRETS: {"username": args.kafka_username, "password": args.kafka_password},
        }
        for secret, values in contents.items():
            kubernetes.core.v1.Secret(
                secret,
                metadata={"name": secret, "namespace": args.namespace},
                type="Opaque",
                string_data={key: pulumi.Output.secret(value.get_secret_value()) for key, value in values.items()},
                opts=pulumi.ResourceOptions(parent=self, protect=args.protect),
            )
        self.checksums = {secret: _checksum(values, key=args.better_auth_secret) for secret, values in contents.items()}
        self.register_outputs({"checksums": self.checksums})


def _checksum(values: Mapping[str, SecretStr], key: SecretStr) -> str:
    # Previews and pods show it in plain text, so it is keyed: a plain hash would let a weak password be guessed.
    content = json.dumps({name: value.get_secret_value() for name, value in values.items()}, sort_keys=True)
    return hmac.new(key.get_secret_value().encode(), content.encode(), hashlib.sha256).hexdigest()[:16]
