"""Who owns the fields of the objects that a stack declares."""

from typing import Any, cast

import pulumi

# Declared by other means than server-side apply: a provider, a Helm release.
_NOT_OBJECTS = ("pulumi:providers:", "kubernetes:helm.sh/")
# https://www.pulumi.com/registry/packages/kubernetes/how-to-guides/managing-resources-with-server-side-apply/#handle-field-conflicts-on-existing-resources
_TAKE_BACK = {"pulumi.com/patchForce": "true"}


def take_back_fields(resource: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    """A transform: the stack owns what it declares, so a field that was changed by hand is set back, not a conflict."""
    if not resource.custom or not resource.type_.startswith("kubernetes:") or resource.type_.startswith(_NOT_OBJECTS):
        return None
    properties = cast("dict[str, Any]", resource.props)
    metadata = properties.get("metadata") or {}
    annotations = metadata.get("annotations")
    if isinstance(annotations, pulumi.Output):  # not known yet, in a preview
        taken = annotations.apply(lambda known: {**(known or {}), **_TAKE_BACK})
    else:
        taken = {**(annotations or {}), **_TAKE_BACK}
    return pulumi.ResourceTransformResult({**properties, "metadata": {**metadata, "annotations": taken}}, resource.opts)
