"""Schemas of custom resources."""

from typing import Any


def strict(schema: Any) -> Any:
    """Return a schema that also refuses unknown fields, which the API server drops silently."""
    if not isinstance(schema, dict):
        return schema
    inner = {key: strict(value) for key, value in schema.items() if key != "properties"}
    if "properties" in schema:
        inner["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        inner["additionalProperties"] = False
    return inner
