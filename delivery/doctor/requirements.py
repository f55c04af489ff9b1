"""The credentials of the outside services: what each may do at least, and where to get it."""

from collections.abc import Mapping
from dataclasses import dataclass

ENVIRONMENTS = ("production", "preview")
BACKEND = "PULUMI_BACKEND_URL"
PASSPHRASE = "PULUMI_CONFIG_PASSPHRASE"  # noqa: S105 (the name of a variable)
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 (the name of a variable)
GITHUB_TOKEN = "GITHUB_TOKEN"  # noqa: S105 (the name of a variable)
# Of a backend, by its URL's scheme, that asks who is there: the variables that say so.
BACKEND_CREDENTIALS = {"s3": ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), "https": ("PULUMI_ACCESS_TOKEN",)}
OCI_KEY = ("OCI_CLI_USER", "OCI_CLI_TENANCY", "OCI_CLI_FINGERPRINT", "OCI_CLI_KEY_CONTENT")
DELIVERY_TOKEN = "DELIVERY_GITHUB_TOKEN"  # noqa: S105 (the name of a secret)


@dataclass(frozen=True)
class Account:
    """A credential: what it may do at least, in a clause, and the page where it is made."""

    least: str
    source: str

    def __str__(self) -> str:
        return f"{self.least}. {self.source}"


_CUSTOMER_SECRET_KEY = Account(
    "A Customer Secret Key of OCI, of a user who may manage objects in the state's bucket",
    "https://docs.oracle.com/en-us/iaas/Content/Identity/access/working-with-customer-secret-keys.htm",
)
_REDPANDA = Account(
    "Of a Redpanda user who may read and write the two topics, and read the consumer group",
    "https://docs.redpanda.com/redpanda-cloud/security/authorization/acl/",
)

# Kept by Docker.
DOCKER_LOGIN = Account(
    "For ghcr.io a classic token of GitHub with write:packages, to push the images from here",
    "https://github.com/settings/tokens/new?scopes=write:packages",
)
# By the setting or the variable that holds it.
ACCOUNTS: Mapping[str, Account] = {
    "OCI_CLI_KEY_CONTENT": Account(
        "An API key of OCI, of a user in a group that may manage cluster-family, virtual-network-family and "
        "instance-family in the compartment, and inspect compartments in the tenancy",
        "https://docs.oracle.com/en-us/iaas/Content/API/Concepts/apisigningkey.htm",
    ),
    "AWS_ACCESS_KEY_ID": _CUSTOMER_SECRET_KEY,
    "AWS_SECRET_ACCESS_KEY": Account("The other half of the same key", _CUSTOMER_SECRET_KEY.source),
    "PULUMI_ACCESS_TOKEN": Account(
        "A token of Pulumi Cloud that may write the stack", "https://app.pulumi.com/account/tokens"
    ),
    PASSPHRASE: Account(
        "Decrypts every secret of the stack: as long as you like, kept like a key, and known to the whole team",
        "https://www.pulumi.com/docs/iac/concepts/secrets/",
    ),
    GITHUB_TOKEN: Account(
        "A fine-grained token for this repository alone: Administration and Environments (read and write), Actions, "
        "Variables and Metadata (read)",
        "https://github.com/settings/personal-access-tokens/new",
    ),
    "registryToken": Account(
        "A classic token of GitHub with read:packages and nothing else", "https://github.com/settings/tokens/new"
    ),
    "cohereApiKey": Account("A production key of Cohere", "https://dashboard.cohere.com/api-keys"),
    "betterAuthSecret": Account("Any 32 characters that nobody can guess", "openssl rand -base64 32"),
    "databaseUrl": Account(
        "Of a role in Neon that owns the app's database and no other",
        "https://neon.com/docs/connect/connect-from-any-app",
    ),
    "kafkaUsername": _REDPANDA,
    "kafkaPassword": _REDPANDA,
    "letsEncryptEmail": Account(
        "No account: the contact of the certificates' owner, to whom Let's Encrypt writes of no expiry any more",
        "https://letsencrypt.org/docs/",
    ),
}


def backend_secrets(scheme: str) -> list[str]:
    """The variables without which a backend, by its URL's scheme, gives nobody the state and its secrets."""
    # Where Pulumi Cloud keeps the state, it encrypts the secrets too.
    return [*BACKEND_CREDENTIALS.get(scheme, ()), *([] if scheme == "https" else [PASSPHRASE])]
