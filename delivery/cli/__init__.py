"""The arguments and help of each command, by group.

A command imports its module when it runs: kubectl runs `oke-token` for each of its own calls, and waits for it.
"""
