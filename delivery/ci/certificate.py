"""Dapr's root certificate, which no update renews."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx2
from lightkube.core.exceptions import ConfigError

from delivery import access
from delivery.engine import stack
from delivery.verify.certificate import RENEWAL, expires_soon, expiry
from delivery.verify.snapshot import list_pods


def find(name: str) -> Sequence[str]:
    """Return a line if the certificate of a stack's sidecars has expired or expires soon.

    An unreachable cluster is reported on standard error: drift is worth reporting without it.
    Raises UserError where the stack's state cannot be read.
    """
    namespace = stack.outputs(name).get("namespace")
    if not namespace:
        return []
    try:
        end = expiry(list_pods(access.client(name), namespace, "backend"))
    except (httpx2.HTTPError, ConfigError) as error:
        sys.stderr.write(f"could not check Dapr's root certificate: {error}\n")
        return []
    if end is None or not expires_soon(end, datetime.now(UTC)):
        return []
    return [f"renew Dapr's root certificate, which expires on {end:%Y-%m-%d}: {RENEWAL}"]
