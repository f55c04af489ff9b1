"""`kubeconfig`, `oke-token`."""

import argparse
import sys
from datetime import UTC, datetime

from delivery.cli.group import Group
from oke import PLUGIN, credentials, token
from oke.names import require_cluster
from system.errors import UserError


def add(group: Group, stack: argparse.ArgumentParser) -> None:
    oci = argparse.ArgumentParser(add_help=False)
    oci.add_argument("--region", help="the region, such as eu-frankfurt-1 (default: the credentials')")
    oci.add_argument("--profile", help="the profile of ~/.oci/config (default: DEFAULT)")
    oci.add_argument("--auth", choices=[*credentials.METHODS], help="the authentication method (default: api_key)")
    kubeconfig = group.command(
        "kubeconfig", "Print the kubeconfig of an OKE cluster or a stack's deployer", _kubeconfig, [oci, stack]
    )
    target = kubeconfig.add_mutually_exclusive_group(required=True)
    target.add_argument("--cluster", type=require_cluster, metavar="OCID", help="the cluster")
    target.add_argument(
        "--deployer",
        dest="run",
        action="store_const",
        const=_deployer,
        help="the stack's deployer: print its token too, to a file or a pipe only",
    )
    kubeconfig.add_argument(
        "--endpoint", choices=["public", "private"], default="public", help="the cluster's endpoint (default: public)"
    )
    token = group.command(PLUGIN, "Print an OKE token as a kubectl exec credential", _oke_token, [oci])
    token.add_argument("--cluster", required=True, type=require_cluster, metavar="OCID", help="the cluster")


def _kubeconfig(options: argparse.Namespace) -> str:
    from oke import kubeconfig

    cluster = kubeconfig.Access(options.cluster, options.region, options.profile, options.auth)
    return kubeconfig.create(cluster, options.endpoint, datetime.now(UTC))


def _deployer(options: argparse.Namespace) -> str:
    from delivery import access

    if sys.stdout.isatty():
        raise UserError(
            "stdout is a terminal, and the deployer's kubeconfig holds its token.",
            f"(umask 077 && python -m delivery kubeconfig --deployer --stack {options.stack} > deployer.kubeconfig)",
        )
    return access.deployer(options.stack).rstrip()


def _oke_token(options: argparse.Namespace) -> str:
    signer = credentials.load(profile=options.profile, auth=options.auth, region=options.region)
    return token.exec_credential(signer, options.cluster, datetime.now(UTC))
