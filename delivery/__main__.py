"""`python -m delivery kubeconfig` prints the kubeconfig of an OKE cluster, `oke-token` is the plug-in that it names."""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from delivery import CommandError, credentials, oke_token


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit status is 1 where it cannot do its work, and 2 where the usage is wrong."""
    try:
        options = _parser().parse_args(arguments)
        print(options.run(options))
    except CommandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    cluster = argparse.ArgumentParser(add_help=False)
    cluster.add_argument("--cluster", required=True, type=_cluster, metavar="OCID", help="the cluster")
    cluster.add_argument("--region", default="", help="its region, like eu-frankfurt-1 (default: the credentials')")
    cluster.add_argument("--profile", default="", help="the profile of ~/.oci/config (default: DEFAULT)")
    cluster.add_argument(
        "--auth", choices=[*credentials.METHODS], default="", help="how to authenticate (default: api_key)"
    )
    parser = argparse.ArgumentParser(prog="python -m delivery", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    kubeconfig = commands.add_parser("kubeconfig", parents=[cluster], help="print the kubeconfig of an OKE cluster")
    kubeconfig.add_argument("--endpoint", choices=["public", "private"], default="public", help="default: public")
    kubeconfig.set_defaults(run=_kubeconfig)
    token = commands.add_parser("oke-token", parents=[cluster], help="print a token for it, as kubectl wants it")
    token.set_defaults(run=_oke_token)
    return parser


def _cluster(ocid: str) -> str:
    if not re.fullmatch(r"ocid1\.cluster\.[\w.-]+", ocid):
        raise CommandError(
            f"{ocid!r} is no cluster's OCID.\n    --cluster ocid1.cluster.oc1.…   as the console shows it"
        )
    return ocid


def _kubeconfig(options: argparse.Namespace) -> str:
    # The plug-in runs at each kubectl call: it is not to wait for what only this command needs.
    from delivery import kubeconfig  # noqa: PLC0415

    access = kubeconfig.Access(options.cluster, options.region, options.profile, options.auth)
    return kubeconfig.create(access, options.endpoint, datetime.now(UTC))


def _oke_token(options: argparse.Namespace) -> str:
    found = credentials.load(options.profile, options.auth, options.region)
    return oke_token.exec_credential(found, options.cluster, datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main())
