"""Text that PostgreSQL can store."""

from pydantic import AfterValidator


def _storable(text: str) -> str:
    # PostgreSQL rejects only this character. Pydantic itself rejects halves of surrogate pairs.
    if "\0" in text:
        raise ValueError("has a character that cannot be stored")
    return text


STORABLE = AfterValidator(_storable)
