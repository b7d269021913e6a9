"""SpeciesNet's geofence: in which countries, and which of their parts, a taxon lives.

    {"mammalia;carnivora;felidae;panthera;leo": {"allow": {"KEN": [], "TZA": []}},
     "aves;galliformes;numididae;numida;meleagris": {"block": {"USA": ["AK"]}}}

A key is class, order, family, genus and species, empty below the taxon's rank;
``core.geofence`` says what the rules mean.  Countries have three letters (ISO 3166-1), and their
parts those of ISO 3166-2.

Source: https://github.com/google/cameratrapai (data/geofence_release.json)
"""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.core.geofence import RANKS, Parts, Rule
from database_tools.durable import files

_KINDS = ("allow", "block")


def read(path: Path) -> dict[str, Rule]:
    """Read the rules; raise UserError or FormatError, with the taxon, if it is no geofence."""
    table = files.read_json(path)
    if not isinstance(table, dict):
        raise FormatError(path, "top level", "expected an object of taxa")
    return {str(key).lower(): _rule(path, str(key), rule) for key, rule in table.items()}


def _rule(path: Path, key: str, rule: object) -> Rule:
    if key.count(";") != len(RANKS) - 1:
        raise FormatError(path, repr(key), f"expected {';'.join(RANKS)}")
    if not isinstance(rule, dict) or not set(rule) <= set(_KINDS):
        raise FormatError(path, repr(key), 'expected an object of "allow" and "block"')
    return Rule(*(_parts(path, f"{key!r}.{kind}", rule.get(kind) or {}) for kind in _KINDS))


def _parts(path: Path, place: str, table: object) -> Parts:
    right = isinstance(table, dict) and all(
        isinstance(parts, list) and all(isinstance(part, str) for part in parts)
        for parts in table.values()
    )
    if not right:
        raise FormatError(path, place, 'expected an object like {"USA": ["CA"], "CAN": []}')
    assert isinstance(table, dict)
    return {str(country): tuple(parts) for country, parts in table.items()}
