"""Text as PostgreSQL can store it."""

from pydantic import AfterValidator


def _storable(text: str) -> str:
    # The one character of JSON that PostgreSQL refuses. Half of a surrogate pair pydantic refuses by itself.
    if "\0" in text:
        raise ValueError("has a character that cannot be stored")
    return text


STORABLE = AfterValidator(_storable)
