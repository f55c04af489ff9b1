"""The way to a cluster: `kubeconfig`, `oke-token`."""

import argparse
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from oke import PLUGIN, credentials, token
from system.errors import UserError


def add(add_parser: Callable[..., argparse.ArgumentParser], stack: argparse.ArgumentParser) -> None:
    """Adds the commands to those of `python -m delivery`; stack: the argument that names the stack."""
    oci = argparse.ArgumentParser(add_help=False)
    oci.add_argument("--region", default="", help="its region, like eu-frankfurt-1 (default: the credentials')")
    oci.add_argument("--profile", default="", help="the profile of ~/.oci/config (default: DEFAULT)")
    oci.add_argument(
        "--auth", choices=[*credentials.METHODS], default="", help="how to authenticate (default: api_key)"
    )
    kubeconfig = add_parser(
        "kubeconfig", parents=[oci, stack], help="print the kubeconfig of an OKE cluster, or of a stack's deployer"
    )
    whose = kubeconfig.add_mutually_exclusive_group(required=True)
    whose.add_argument("--cluster", type=_cluster, metavar="OCID", help="the cluster")
    whose.add_argument(
        "--deployer",
        dest="run",
        action="store_const",
        const=_deployer,
        help="that of the stack's deployer, with its token, into a file or a pipe",
    )
    kubeconfig.add_argument("--endpoint", choices=["public", "private"], default="public", help="default: public")
    kubeconfig.set_defaults(run=_kubeconfig)
    token = add_parser(PLUGIN, parents=[oci], help="print a token for an OKE cluster, as kubectl wants it")
    token.add_argument("--cluster", required=True, type=_cluster, metavar="OCID", help="the cluster")
    token.set_defaults(run=_oke_token)


def _cluster(ocid: str) -> str:
    if not re.fullmatch(r"ocid1\.cluster\.[\w.-]+", ocid):
        raise UserError(f"{ocid!r} is no cluster's OCID.\n    --cluster ocid1.cluster.oc1.…   as the console shows it")
    return ocid


def _kubeconfig(options: argparse.Namespace) -> str:
    from oke import kubeconfig

    cluster = kubeconfig.Access(options.cluster, options.region, options.profile, options.auth)
    return kubeconfig.create(cluster, options.endpoint, datetime.now(UTC))


def _deployer(options: argparse.Namespace) -> str:
    from delivery import access

    if sys.stdout.isatty():
        raise UserError(
            "The kubeconfig of the deployer holds its token, which is not for a terminal.\n"
            f"    (umask 077 && python -m delivery kubeconfig --deployer --stack {options.stack} > deployer.kubeconfig)"
        )
    return access.deployer(options.stack).rstrip()


def _oke_token(options: argparse.Namespace) -> str:
    found = credentials.load(options.profile, options.auth, options.region)
    return token.exec_credential(found, options.cluster, datetime.now(UTC))
