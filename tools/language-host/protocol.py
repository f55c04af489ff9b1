"""The messages of the engine's protocol, and nothing else of the SDK.

`import pulumi` runs all of it, which takes longer than all that the host does, and the engine starts two hosts for each
preview and update. So the packages above the messages are put in place without running them.
"""

import sys
import sysconfig
from pathlib import Path
from types import ModuleType

__all__ = ["language_pb2", "language_pb2_grpc", "plugin_pb2"]


def _put_in_place(package: str, folder: Path) -> None:
    module = ModuleType(package)
    module.__path__ = [str(folder)]
    sys.modules[package] = module


for _package in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
    _put_in_place(_package, Path(sysconfig.get_path("purelib"), *_package.split(".")))

from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402 (from these packages)
