"""The one kind of error that a user is shown."""


class BootstrapError(Exception):
    """Says in a sentence what is wrong, where, and what mends it; shown without a traceback, exit code 1."""
