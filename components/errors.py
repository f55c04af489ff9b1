"""User errors on their way out of the Pulumi program."""

from collections.abc import Generator
from contextlib import contextmanager

import pulumi

from system.errors import UserError


@contextmanager
def as_run_errors() -> Generator[None]:
    """Raise a UserError as the SDK's RunError, the only exception that Pulumi prints without a traceback.

    Source: https://github.com/pulumi/pulumi/blob/v3.259.0/sdk/python/cmd/pulumi-language-python-exec
    """
    try:
        yield
    except UserError as error:
        raise pulumi.RunError(str(error)) from None
