"""The way to an OKE cluster: `kubeconfig`, `oke-token`."""

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime

from delivery import CommandError
from delivery.oke import credentials, oke_token


def add(add_parser: Callable[..., argparse.ArgumentParser]) -> None:
    """Adds the commands to those of `python -m delivery`."""
    cluster = argparse.ArgumentParser(add_help=False)
    cluster.add_argument("--cluster", required=True, type=_cluster, metavar="OCID", help="the cluster")
    cluster.add_argument("--region", default="", help="its region, like eu-frankfurt-1 (default: the credentials')")
    cluster.add_argument("--profile", default="", help="the profile of ~/.oci/config (default: DEFAULT)")
    cluster.add_argument(
        "--auth", choices=[*credentials.METHODS], default="", help="how to authenticate (default: api_key)"
    )
    kubeconfig = add_parser("kubeconfig", parents=[cluster], help="print the kubeconfig of an OKE cluster")
    kubeconfig.add_argument("--endpoint", choices=["public", "private"], default="public", help="default: public")
    kubeconfig.set_defaults(run=_kubeconfig)
    token = add_parser("oke-token", parents=[cluster], help="print a token for it, as kubectl wants it")
    token.set_defaults(run=_oke_token)


def _cluster(ocid: str) -> str:
    if not re.fullmatch(r"ocid1\.cluster\.[\w.-]+", ocid):
        raise CommandError(
            f"{ocid!r} is no cluster's OCID.\n    --cluster ocid1.cluster.oc1.…   as the console shows it"
        )
    return ocid


def _kubeconfig(options: argparse.Namespace) -> str:
    from delivery.oke import kubeconfig

    access = kubeconfig.Access(options.cluster, options.region, options.profile, options.auth)
    return kubeconfig.create(access, options.endpoint, datetime.now(UTC))


def _oke_token(options: argparse.Namespace) -> str:
    found = credentials.load(options.profile, options.auth, options.region)
    return oke_token.exec_credential(found, options.cluster, datetime.now(UTC))
