"""What no update would change, and a person has to in time: Dapr's root certificate."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime

import httpx2
from lightkube.core.exceptions import ConfigError

from delivery import access
from delivery.engine import stack
from delivery.verify.certificate import RENEWAL, ends, soon
from delivery.verify.snapshot import pods_of


def find(name: str) -> Sequence[str]:
    """A line where the certificate of a stack's sidecars ends soon, or has ended, with the command that renews it.

    A cluster that does not tell is told on standard error: it is no reason to say nothing of the drift.
    Raises UserError where the stack's state cannot be read.
    """
    namespace = stack.outputs(name).get("namespace")
    if not namespace:
        return []
    try:
        end = ends(pods_of(access.client(name), namespace, "backend"))
    except (httpx2.HTTPError, ConfigError) as error:
        sys.stderr.write(f"Dapr's root certificate was not looked at: {error}\n")
        return []
    if end is None or not soon(end, datetime.now(UTC)):
        return []
    return [f"renew Dapr's root certificate, which ends on {end:%Y-%m-%d}: {RENEWAL}"]
