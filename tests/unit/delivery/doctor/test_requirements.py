import re

from delivery.doctor.requirements import DELIVERY_TOKEN, OCI_KEY, REQUIREMENTS, backend_secrets
from tests.support import example


def test_workflows_read_the_secrets_that_are_checked() -> None:
    workflows = [file.read_text() for file in (example.PROJECT_FOLDER / ".github" / "workflows").glob("*.yml")]
    read = set(re.findall(r"secrets\.(\w+)", "".join(workflows)))

    assert read - {"SLACK_WEBHOOK_URL"} == {
        *backend_secrets("s3"),
        *backend_secrets("https"),
        *OCI_KEY,
        DELIVERY_TOKEN,
    }


def test_every_secret_setting_has_a_requirement() -> None:
    assert {key for key in REQUIREMENTS if not key.isupper()} <= example.DECLARED.keys()
    assert example.SECRETS.keys() <= REQUIREMENTS.keys()
