"""A Kubernetes object as its manifest, for kinds whose SDK class lacks fields."""

from collections.abc import Mapping
from typing import Any

import pulumi


class Manifest(pulumi.CustomResource):
    """One object; `apiVersion` and `kind` of the content make its type."""

    def __init__(self, name: str, content: Mapping[str, Any], opts: pulumi.ResourceOptions) -> None:
        super().__init__(f"kubernetes:{content['apiVersion']}:{content['kind']}", name, {**content}, opts)
