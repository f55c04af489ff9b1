"""Build the two images and print the sizes of their layers: `python3 tools/images/measure.py [KEY=VALUE ...]`.

KEY=VALUE is a build argument, such as NODE_BASE=mirror.example.org/node:24-alpine. It needs Docker with buildx. The
exit code is 1 where a build fails or an image exceeds its limit.
"""

import gzip
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, cast

ROOT = Path(__file__).parents[2]
MEGABYTE = 1_000_000
LIMITS = {"backend": 180, "frontend": 60}  # MB, unpacked, as on a node's disk


@dataclass(frozen=True)
class Layer:
    """A layer of an image."""

    instruction: str  # of the Dockerfile
    unpacked: int  # bytes of its files
    compressed: int  # bytes in a registry


def main() -> int:
    if shutil.which("docker") is None:
        print("error: docker is not on PATH; https://docs.docker.com/engine/install/ has it.", file=sys.stderr)
        return 1
    try:
        sizes = {app: _measure(app, sys.argv[1:]) for app in LIMITS}
    except subprocess.CalledProcessError:
        return 1  # docker printed its own error
    return 0 if all(sizes[app] <= limit * MEGABYTE for app, limit in LIMITS.items()) else 1


def _measure(app: str, arguments: list[str]) -> int:
    """Build an app's image, print its layers, and return its unpacked size in bytes."""
    image = f"todo-{app}:measured"
    build = [option for argument in arguments for option in ("--build-arg", argument)]
    subprocess.run(["docker", "buildx", "build", "--load", "--tag", image, *build, ROOT / app], check=True)
    with tempfile.TemporaryFile() as archive:
        subprocess.run(["docker", "save", image], stdout=archive, check=True)
        archive.seek(0)
        layers = _layers(archive)
    unpacked, compressed = sum(layer.unpacked for layer in layers), sum(layer.compressed for layer in layers)
    for layer in [*layers, Layer(f"{app} (limit: {LIMITS[app]} MB unpacked)", unpacked, compressed)]:
        print(f"{layer.unpacked / MEGABYTE:7.1f} MB {layer.compressed / MEGABYTE:7.1f} MB  {layer.instruction:.90}")
    return unpacked


def _layers(saved: IO[bytes]) -> list[Layer]:
    """Return the layers in an archive of `docker save`, lowest first.

    Source: https://github.com/opencontainers/image-spec/blob/main/config.md
    """
    with tarfile.open(fileobj=saved) as archive:
        manifest = json.loads(_content(archive, "manifest.json"))[0]
        history = json.loads(_content(archive, manifest["Config"]))["history"]
        instructions = [entry.get("created_by", "") for entry in history if not entry.get("empty_layer")]
        blobs = [_content(archive, name) for name in manifest["Layers"]]
    return [_layer(*pair) for pair in zip(instructions, blobs, strict=True)]


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    return cast("IO[bytes]", archive.extractfile(name)).read()


def _layer(instruction: str, blob: bytes) -> Layer:
    # Only some of Docker's image stores compress layers.
    content = gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob
    with tarfile.open(fileobj=BytesIO(content)) as files:
        unpacked = sum(file.size for file in files)
    return Layer(instruction, unpacked, len(gzip.compress(content)))


sys.exit(main())
