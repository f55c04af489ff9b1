import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from oke.credentials import Credentials
from oke.token import exec_credential
from tests.support import oci_api
from tests.support.oci_api import CLUSTER, KEY, KEY_ID, REGION

CREDENTIALS = Credentials(KEY_ID, KEY, REGION)


@pytest.mark.parametrize("suffix", ["", "a", "aa"])
def test_oci_accepts_the_token_until_it_expires(suffix: str) -> None:
    cluster, now = CLUSTER + suffix, datetime.now(UTC).replace(microsecond=0)

    credential = json.loads(exec_credential(CREDENTIALS, cluster, now))

    token, expiry = credential["status"]["token"], datetime.fromisoformat(credential["status"]["expirationTimestamp"])
    assert credential["kind"] == "ExecCredential"
    assert expiry - now >= timedelta(minutes=3)
    assert oci_api.user_of(token, cluster=cluster, region=REGION, now=expiry) == KEY_ID
    assert re.fullmatch(r"[\w-]+=*", token)  # the characters of headers and URLs
