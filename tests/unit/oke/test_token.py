import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from oke.credentials import Credentials
from oke.token import exec_credential
from tests.support import oci_api
from tests.support.oci_api import CLUSTER, KEY, KEY_ID, REGION

CREDENTIALS = Credentials(KEY_ID, KEY, REGION)


def test_oci_accepts_the_token_until_it_expires() -> None:
    now = datetime.now(UTC).replace(microsecond=0)

    credential = json.loads(exec_credential(CREDENTIALS, CLUSTER, now))

    expiry = datetime.fromisoformat(credential["status"]["expirationTimestamp"])
    assert credential["kind"] == "ExecCredential"
    assert expiry - now >= timedelta(minutes=3)
    assert oci_api.user_of(credential["status"]["token"], cluster=CLUSTER, region=REGION, now=expiry) == KEY_ID


@pytest.mark.parametrize("suffix", ["", "a", "aa"])
def test_token_has_characters_of_headers_and_urls_only(suffix: str) -> None:
    credential = json.loads(exec_credential(CREDENTIALS, CLUSTER + suffix, datetime.now(UTC)))

    assert re.fullmatch(r"[\w-]+=*", credential["status"]["token"])
