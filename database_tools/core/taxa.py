"""Taxa that a label stands for, with their lineage where a taxonomy knew it.

    {"level": "species", "name": "odocoileus hemionus",
     "lineage": [{"level": "kingdom", "name": "animalia"}, ..., {"level": "genus", ...}]}

The lineage goes from the kingdom down to the taxon's parent; it is empty where nobody knew it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taxon:
    """See the module; ``lineage`` has (level, name) of each taxon above it."""

    level: str
    name: str
    lineage: tuple[tuple[str, str], ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return what JSON stores."""
        above = [{"level": level, "name": name} for level, name in self.lineage]
        return {"level": self.level, "name": self.name, "lineage": above}

    @classmethod
    def from_json(cls, table: object) -> Taxon:
        """Read what ``as_json`` wrote, or a taxon of a label spec, which has no lineage.

        Raises:
            ValueError: if level or name is missing, in words.
        """
        if not isinstance(table, Mapping):
            raise ValueError(f"a taxon is an object with level and name, got {table!r}")
        lineage = _listed("a lineage", table.get("lineage", []))
        return cls(*_pair(table), tuple(_pair(above) for above in lineage))


def _listed(what: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(f"{what} must be a list of taxa, got {value!r}")
    return value


def _pair(table: object) -> tuple[str, str]:
    if not (isinstance(table, Mapping) and {"level", "name"} <= set(table)):
        raise ValueError(f"a taxon has level and name, got {table!r}")
    return str(table["level"]), str(table["name"])


Taxonomy = Mapping[str, tuple[Taxon, ...]]
"""Label to its taxa."""


def as_json(taxonomy: Taxonomy) -> dict[str, list[dict[str, object]]]:
    """Return what JSON stores of all labels."""
    return {label: [taxon.as_json() for taxon in taxa] for label, taxa in taxonomy.items()}


def from_json(table: object) -> dict[str, tuple[Taxon, ...]]:
    """Read what ``as_json`` wrote; raise ValueError with what is wrong."""
    if not isinstance(table, Mapping):
        raise ValueError(f"a taxonomy is an object of labels, got {table!r}")
    return {
        str(label): tuple(Taxon.from_json(one) for one in _listed(f"what {label!r} is", taxa))
        for label, taxa in table.items()
    }
