"""The app's chart on disk: what it is, and which values fit it, known before a release is tried."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import jsonschema
import yaml

CHART = Path("infra/helm/todo-app")

# What a release sets beside the values file, so that a file is judged by what it says itself.
_SET_BY_THE_RELEASE = {
    "frontend": {"image": "example.com/frontend:tag"},
    "backend": {"image": "example.com/backend:tag"},
}


def digest(chart: Path) -> str:
    """The SHA-256 of a chart's files, as 64 hexadecimal digits: the same for the same names and contents."""
    files = sorted(path for path in chart.rglob("*") if path.is_file())
    listing = "".join(f"{path.relative_to(chart).as_posix()} {_sha256(path.read_bytes())}\n" for path in files)
    return _sha256(listing.encode())


def schema_errors(chart: Path, values: Mapping[str, Any]) -> list[str]:
    """What Helm will refuse in the values of a values file, one clause each: it judges only when a release is tried.

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
