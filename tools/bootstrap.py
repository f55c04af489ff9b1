"""Provides the toolchain: `python3 tools/bootstrap.py`. It needs nothing but Python; toolchain/ says what it does."""

import sys

# Both are asked here because neither could read the modules below.
if sys.platform == "win32":
    sys.exit("error: the toolchain runs on Linux and macOS: on Windows, run this in WSL (`wsl --install`).")
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit(
        "error: Python 3.11 or newer is needed: install it (https://www.python.org/downloads/), put it on PATH first."
    )

from toolchain.main import main

sys.exit(main())
