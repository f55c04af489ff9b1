"""The credentials that a stack needs: the permissions of each, and where to create it."""

from collections.abc import Mapping
from dataclasses import dataclass

ENVIRONMENTS = ("production", "preview")
BACKEND = "PULUMI_BACKEND_URL"
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 (the name of a variable)
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 (the name of a variable)
GITHUB_TOKEN = "GITHUB_TOKEN"  # noqa: S105 (the name of a variable)
# The variables that authenticate at a backend, by the scheme of its URL.
BACKEND_CREDENTIALS = {"s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "https": ("PULUMI_ACCESS_TOKEN",)}
OCI_KEY = ("OCI_CLI_USER", "OCI_CLI_TENANCY", "OCI_CLI_FINGERPRINT", "OCI_CLI_KEY_CONTENT")
DELIVERY_TOKEN = "DELIVERY_GITHUB_TOKEN"  # noqa: S105 (the name of a secret)


@dataclass(frozen=True)
class Requirement:
    """A credential."""

    what: str
    """What it is and the least that it must be permitted, in a clause."""

    source: str
    """The page, or the command, that creates it."""

    def __str__(self) -> str:
        return f"{self.what}. {self.source}"


_CUSTOMER_SECRET_KEY = Requirement(
    "A Customer Secret Key of an OCI user who can manage objects in the state's bucket",
    "https://docs.oracle.com/en-us/iaas/Content/Identity/access/working-with-customer-secret-keys.htm",
)
_REDPANDA = Requirement(
    "A Redpanda user with read and write access to the two topics, and read access to the consumer group",
    "https://docs.redpanda.com/redpanda-cloud/security/authorization/acl/",
)

DOCKER_LOGIN = Requirement(
    "a classic GitHub token with write:packages for ghcr.io",
    "https://github.com/settings/tokens/new?scopes=write:packages",
)
# By the setting or the variable that holds it.
REQUIREMENTS: Mapping[str, Requirement] = {
    "OCI_CLI_KEY_CONTENT": Requirement(
        "An API key of an OCI user whose group can manage cluster-family, virtual-network-family and "
        "instance-family in the compartment, and inspect compartments in the tenancy",
        "https://docs.oracle.com/en-us/iaas/Content/API/Concepts/apisigningkey.htm",
    ),
    "AWS_ACCESS_KEY_ID": _CUSTOMER_SECRET_KEY,
    "AWS_SECRET_ACCESS_KEY": Requirement("The secret half of the same key", _CUSTOMER_SECRET_KEY.source),
    "PULUMI_ACCESS_TOKEN": Requirement(
        "A Pulumi Cloud token with write access to the stack", "https://app.pulumi.com/account/tokens"
    ),
    PASSPHRASE: Requirement(
        "Decrypts every secret of the stack: make it long, store it like a key, share it with the whole team",
        "https://www.pulumi.com/docs/iac/concepts/secrets/",
    ),
    GITHUB_TOKEN: Requirement(
        "A fine-grained token for this repository only: Administration and Environments (read and write), Actions, "
        "Variables and Metadata (read)",
        "https://github.com/settings/personal-access-tokens/new",
    ),
    "registryToken": Requirement(
        "A classic GitHub token with read:packages and nothing else", "https://github.com/settings/tokens/new"
    ),
    "cohereApiKey": Requirement("A production key of Cohere", "https://dashboard.cohere.com/api-keys"),
    "betterAuthSecret": Requirement("At least 32 random characters", "openssl rand -base64 32"),
    "databaseUrl": Requirement(
        "The URL of a Neon role that owns the app's database and no other",
        "https://neon.com/docs/connect/connect-from-any-app",
    ),
    "kafkaUsername": _REDPANDA,
    "kafkaPassword": _REDPANDA,
    "letsEncryptEmail": Requirement(
        "The contact of the certificates' owner; Let's Encrypt no longer mails expiry notices to it",
        "https://letsencrypt.org/docs/",
    ),
}


def backend_secrets(scheme: str) -> list[str]:
    """Return the variables that a backend needs for the state and its secrets, by the scheme of its URL."""
    # Pulumi Cloud encrypts the secrets of the states that it keeps.
    return [*BACKEND_CREDENTIALS.get(scheme, ()), *([] if scheme == "https" else [PASSPHRASE])]
