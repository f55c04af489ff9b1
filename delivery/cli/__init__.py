"""The arguments and help of each command, by group."""
