"""Which labels are people: their pictures are never shown."""

from __future__ import annotations

MAYBE = 0.1
"""Score from which a box of a person is hidden, and one of anything else is shown."""

_NAMES = frozenset(
    {"human", "humans", "person", "persons", "people", "homo sapiens", "species: homo sapiens"}
)


def is_people(label: str) -> bool:
    """Tell whether a label, or one of several joined by commas, names people."""
    parts = label.casefold().replace("_", " ").split(",")
    return any(part.strip() in _NAMES for part in parts)
