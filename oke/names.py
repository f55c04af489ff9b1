"""Patterns of OCI's names, each for a whole text.

Source: https://docs.oracle.com/en-us/iaas/Content/General/Concepts/identifiers.htm
"""

import re

from system.errors import UserError

CLUSTER_OCID = r"ocid1\.cluster\.[\w.-]+"
COMPARTMENT_OCID = r"ocid1\.(compartment|tenancy)\.[\w.-]+"
REGION = r"[a-z]+(-[a-z]+)+-\d+"


def require_region(text: str) -> str:
    """Return a text that is a region. Raises UserError."""
    if not re.fullmatch(REGION, text, re.ASCII):
        raise UserError(f"{text!r} is not an OCI region such as eu-frankfurt-1.")
    return text


def require_cluster(text: str) -> str:
    """Return a text that is the OCID of a cluster. Raises UserError."""
    if not re.fullmatch(CLUSTER_OCID, text, re.ASCII):
        raise UserError(f"{text!r} is not the OCID of a cluster, which begins with ocid1.cluster.")
    return text
