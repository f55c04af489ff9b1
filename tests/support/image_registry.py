"""A real registry of images on this machine: crane's own, in memory."""

import json
import re
import subprocess
import tarfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2


@dataclass(frozen=True)
class ImageRegistry:
    """A running registry."""

    host: str  # with the port
    folder: Path  # for temporary layers

    @classmethod
    @contextmanager
    def serve(cls, folder: Path) -> Generator["ImageRegistry"]:
        command = ["crane", "registry", "serve", "--address", "127.0.0.1:0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stderr
                started = next(match for line in process.stderr if (match := re.search(r"port (\d+)", line)))
                yield cls(f"127.0.0.1:{started[1]}", folder)
            finally:
                process.kill()

    def push(self, name: str, content: str) -> str:
        """Push an image with one file, and return its reference by digest."""
        file, layer = self.folder / "content", self.folder / "layer.tar"
        file.write_text(content)
        with tarfile.open(layer, "w") as archive:
            archive.add(file, "content")
        command = ["crane", "append", "--new_layer", str(layer), "--new_tag", f"{self.host}/{name}:latest"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def index(self, name: str, images: Mapping[str, str]) -> str:
        """Push an index of images, by architecture, and return its reference by digest."""
        media = "application/vnd.oci.image.index.v1+json"
        manifests = [
            {
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
                "digest": image.partition("@")[2],
                "size": 1,
                "platform": {"os": "unknown" if architecture == "unknown" else "linux", "architecture": architecture},
            }
            for architecture, image in images.items()
        ]
        document = json.dumps({"schemaVersion": 2, "mediaType": media, "manifests": manifests})
        address = f"http://{self.host}/v2/{name}/manifests/index"
        pushed = httpx2.put(address, content=document, headers={"Content-Type": media}, trust_env=False)
        return f"{self.host}/{name}@{pushed.raise_for_status().headers['Docker-Content-Digest']}"

    def delete(self, image: str) -> None:
        subprocess.run(["crane", "delete", image], capture_output=True, check=True)
