"""Which labels are people: their pictures are never shown."""

from __future__ import annotations

_NAMES = frozenset(
    {"human", "humans", "person", "persons", "people", "homo sapiens", "species: homo sapiens"}
)


def is_people(label: str) -> bool:
    """Tell whether a label, or one of several joined by commas, names people."""
    parts = label.casefold().replace("_", " ").split(",")
    return any(part.strip() in _NAMES for part in parts)
