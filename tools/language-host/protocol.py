"""The messages of the engine's protocol, without the rest of the SDK.

`import pulumi` takes longer than everything else in the host, and the engine starts two hosts for each preview and
update. So empty modules take the place of the packages above the messages.
"""

import sys
import sysconfig
from pathlib import Path
from types import ModuleType

__all__ = ["language_pb2", "language_pb2_grpc", "plugin_pb2"]


def _add_empty_module(package: str, folder: Path) -> None:
    module = ModuleType(package)
    module.__path__ = [str(folder)]
    sys.modules[package] = module


for _package in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
    _add_empty_module(_package, Path(sysconfig.get_path("purelib"), *_package.split(".")))

from pulumi.runtime.proto import language_pb2, language_pb2_grpc, plugin_pb2  # noqa: E402 (from these packages)
