"""The arguments of the commands, and what each one calls.

What a command needs is imported when it is called: kubectl runs `oke-token` at each of its own calls, and waits for it.
"""
