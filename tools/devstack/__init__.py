"""The real parts that the app needs around it, on this machine and without a cluster: for `make app` and the tests.

Each is a context manager that starts a process on a free port of 127.0.0.1, waits until it answers, and stops it.
Standard library only.
"""
