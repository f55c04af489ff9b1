"""The operator's commands beside the stack: `python -m delivery COMMAND`."""


class CommandError(Exception):
    """A command that cannot do its work; the message is for the user: one sentence, and below it what mends it.

    code: the exit status of the command.
    """

    code = 1
