"""The operator's commands: `python -m delivery COMMAND`."""
