"""An object on the cluster as its manifest has it, where the SDK has no class that takes all of its fields."""

from collections.abc import Mapping
from typing import Any

import pulumi


class Manifest(pulumi.CustomResource):
    """One object; name: of the resource, content: the manifest, of which apiVersion and kind make the type."""

    def __init__(self, name: str, content: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(f"kubernetes:{content['apiVersion']}:{content['kind']}", name, {**content}, opts)
