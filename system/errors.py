"""The errors that a user can fix."""


class UserError(Exception):
    """A failure with a remedy, printed without a traceback.

    message: what failed, where and why, in one sentence.
    hint: one command that can be pasted as it is, or None where no command helps.
    exit_code: of the command that failed.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"
