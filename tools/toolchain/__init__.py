"""The toolchain's bootstrap: Python's standard library only, since it makes the environment that holds everything else.

`main` is the command; `provide` and `app` are the order of events for the delivery and for the app; `pins` says what is
provided. A tool (`executables`) comes from the first of: what is installed (`installed`), the user's cache (`cache`),
the publisher (`download`), its Go module (`build`). What has no pinned version is a package of the system (`programs`).
"""
