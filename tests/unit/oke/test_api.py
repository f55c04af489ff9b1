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


def test_unknown_key_is_reported(oci: Oracle) -> None:
    oci.documents["/20180222/clusters"] = []
    other = Credentials(KEY_ID, oci_api.generate_private_key(65537, 2048), REGION)

    with pytest.raises(UserError, match="401"):
        get(f"{oci.endpoint}/clusters", other)


def test_clock_that_is_off_is_reported(oci: Oracle) -> None:
    oci.documents["/20180222/clusters"] = []

    with pytest.raises(UserError, match="401") as error:
        get(f"{oci.endpoint}/clusters", now=datetime.now(UTC) - timedelta(minutes=6))

    assert error.value.hint == "date -u"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/20180222", "127.0.0.1", "https://x:y"])
def test_unreachable_api_is_reported(url: str) -> None:
    with pytest.raises(UserError, match="unreachable") as error:
        get(url)

    assert error.value.hint == f"curl -i '{url}'"
