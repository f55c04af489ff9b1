"""The machine: processes, git and the errors that a user can fix."""
