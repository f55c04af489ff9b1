from datetime import UTC, datetime, timedelta

import httpx2
import pytest

from oke import api
from oke.credentials import Credentials
from system.errors import UserError
from tests.support import oci_api
from tests.support.oci_api import KEY, KEY_ID, REGION, Oracle

CREDENTIALS = Credentials(KEY_ID, KEY, REGION)


def get(url: str, credentials: Credentials = CREDENTIALS, *, now: datetime | None = None) -> httpx2.Response:
    return api.send(credentials, url, now=now or datetime.now(UTC), seconds=60)


def test_signed_request_with_a_query_is_accepted(oci: Oracle) -> None:
    oci.documents["/20180222/clusters?compartmentId=a&limit=1"] = [{"name": "todo"}]

    assert get(f"{oci.endpoint}/clusters?compartmentId=a&limit=1").json() == [{"name": "todo"}]


@pytest.mark.parametrize("mistake", ["unknown key", "slow clock"])
def test_rejected_signature_is_reported(oci: Oracle, mistake: str) -> None:
    oci.documents["/20180222/clusters"] = []
    key = oci_api.generate_private_key(65537, 2048) if mistake == "unknown key" else KEY
    now = datetime.now(UTC) - timedelta(minutes=6 if mistake == "slow clock" else 0)

    with pytest.raises(UserError, match="401") as error:
        get(f"{oci.endpoint}/clusters", Credentials(KEY_ID, key, REGION), now=now)

    assert error.value.hint == "date -u"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/20180222", "127.0.0.1", "https://x:y"])
def test_unreachable_api_is_reported(url: str) -> None:
    with pytest.raises(UserError, match="unreachable") as error:
        get(url)

    assert error.value.hint == f"curl -i '{url}'"
