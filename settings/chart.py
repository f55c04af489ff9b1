"""The app's chart on disk: its digest, and the values that its schema accepts."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jsonschema
import yaml

CHART = Path("infra/helm/todo-app")

# Required values that the release sets, not a values file.
_SET_BY_THE_RELEASE = {
    "frontend": {"image": "example.com/frontend:tag"},
    "backend": {"image": "example.com/backend:tag"},
}


def digest(chart: Path) -> str:
    """Return the SHA-256 of a chart's files, by names and contents, as 64 hexadecimal digits."""
    files = sorted(path for path in chart.rglob("*") if path.is_file())
    listing = "".join(f"{path.relative_to(chart).as_posix()} {_sha256(path.read_bytes())}\n" for path in files)
    return _sha256(listing.encode())


def schema_errors(chart: Path, values: Mapping[str, Any]) -> list[str]:
    """Return what Helm would reject in a values file, one clause each. Helm itself checks it only at the release.

    Source: https://helm.sh/docs/topics/charts/#schema-files
    """
    defaults = cast("dict[str, Any]", yaml.safe_load((chart / "values.yaml").read_text()))
    schema = cast("dict[str, Any]", json.loads((chart / "values.schema.json").read_text()))
    merged = _merged(_merged(defaults, values), _SET_BY_THE_RELEASE)
    errors = jsonschema.Draft7Validator(schema).iter_errors(merged)
    return sorted(f"{'.'.join(map(str, error.absolute_path)) or 'the values'}: {error.message}" for error in errors)


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    # As Helm merges: maps by key, anything else is replaced, and a null takes the key away.
    merged = dict(below)
    for key, value in above.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], cast("Mapping[str, Any]", value))
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
