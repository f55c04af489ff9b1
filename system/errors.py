"""The errors that a user can fix."""


class UserError(Exception):
    """A failure that is printed without a traceback, with the command that helps."""

    exit_code = 1
    """The exit code of the command."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        """message: what failed, where and why, in one sentence; hint: one command that can be pasted as it is."""
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"
