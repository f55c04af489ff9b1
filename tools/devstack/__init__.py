"""The services around the app, on this machine and without a cluster, for `make app` and the tests.

Each is a context manager that starts a process on a free port of 127.0.0.1, waits until it is ready, and stops it.
The standard library is enough for all of them.
"""
