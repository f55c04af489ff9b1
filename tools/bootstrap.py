"""Provide the toolchain with `python3 tools/bootstrap.py`, which needs Python alone; toolchain/ does the work."""

import sys
from pathlib import Path

# Checked here, because the modules below do not even load there.
if sys.platform == "win32":
    sys.exit("error: The toolchain runs on Linux and macOS, and on Windows in WSL.\nhint: wsl --install")
if sys.version_info < (3, 11):  # noqa: UP036
    sys.exit("error: Python 3.11 or newer is needed, first on PATH; https://www.python.org/downloads/ has it.")

sys.path.insert(1, str(Path(__file__).resolve().parents[1]))

from toolchain.main import main

sys.exit(main())
