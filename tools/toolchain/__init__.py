"""The toolchain's bootstrap: Python's standard library only, since it makes the environment that holds everything else.

`main` is the command and `provide` the order of events; `pins` says what is provided. A tool comes from the first of:
what is installed (`installed`), the user's cache (`cache`), the publisher (`download`), its Go module (`build`).
"""
