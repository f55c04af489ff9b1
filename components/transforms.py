"""Who owns the fields of the objects that a stack declares."""

from typing import Any, cast

import pulumi

# Declared by other means than server-side apply: a provider, a Helm release.
_NOT_OBJECTS = ("pulumi:providers:", "kubernetes:helm.sh/")
# https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources
_TAKE_BACK = {"pulumi.com/patchForce": "true"}


def take_back_fields(resource: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """A transformation: the stack owns what it declares, so a field that was changed by hand is no conflict.

    Not one of the newer transforms, for which each object goes to the engine and back: a tenth of a second a preview.
    """
    is_object = isinstance(resource.resource, pulumi.CustomResource) and resource.type_.startswith("kubernetes:")
    if not is_object or resource.type_.startswith(_NOT_OBJECTS):
        return None
    properties = cast("dict[str, Any]", resource.props)
    metadata = properties.get("metadata") or {}
    annotations = metadata.get("annotations")
    if isinstance(annotations, pulumi.Output):  # not known yet, in a preview
        taken = annotations.apply(lambda known: {**(known or {}), **_TAKE_BACK})
    else:
        taken = {**(annotations or {}), **_TAKE_BACK}
    return pulumi.ResourceTransformationResult(
        {**properties, "metadata": {**metadata, "annotations": taken}}, resource.opts
    )
