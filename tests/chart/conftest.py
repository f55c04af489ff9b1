import pytest

from tests.support import helm


@pytest.fixture(params=helm.ENVIRONMENTS)
def environment(request: pytest.FixtureRequest) -> helm.Environment:
    return request.param


@pytest.fixture
def release(environment: helm.Environment) -> helm.Release:
    """The release with an environment's values."""
    return helm.template(environment)


@pytest.fixture
def full_release(environment: helm.Environment) -> helm.Release:
    """The release with every option on."""
    return helm.template(environment, helm.EVERY_OPTION)
