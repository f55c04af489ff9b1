"""Transformations of the resources that a stack declares."""

from typing import Any, cast

import pulumi

# Providers and Helm releases are not declared by server-side apply.
_NOT_OBJECTS = ("pulumi:providers:", "kubernetes:helm.sh/")
# https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources
_FORCE = {"pulumi.com/patchForce": "true"}


def force_field_ownership(resource: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Make the stack own every field that it declares: a manual change is overwritten and not a conflict.

    A transformation, and not one of the newer transforms: those cost a round trip to the engine for each object, a
    tenth of a second a preview.
    """
    is_object = isinstance(resource.resource, pulumi.CustomResource) and resource.type_.startswith("kubernetes:")
    if not is_object or resource.type_.startswith(_NOT_OBJECTS):
        return None
    properties = cast("dict[str, Any]", resource.props)
    metadata = properties.get("metadata") or {}
    annotations = metadata.get("annotations")
    if isinstance(annotations, pulumi.Output):  # unknown in a preview
        forced = annotations.apply(lambda known: {**(known or {}), **_FORCE})
    else:
        forced = {**(annotations or {}), **_FORCE}
    return pulumi.ResourceTransformationResult(
        {**properties, "metadata": {**metadata, "annotations": forced}}, resource.opts
    )
