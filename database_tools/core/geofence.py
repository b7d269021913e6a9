"""Which taxa live in a country, by rules as SpeciesNet has them.

    {"allow": {"USA": ["CA", "NV"], "CAN": []}, "block": {"MEX": []}}

Where ``allow`` names countries, it is those only; of a country that names its parts, those only,
if the part is known.  ``block`` takes countries out, or the parts that it names.  A taxon that
has no rule lives everywhere.

Source: https://github.com/google/cameratrapai (geofence_utils)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from database_tools.core.taxa import Taxon

RANKS = ("class", "order", "family", "genus", "species")
Parts = Mapping[str, Sequence[str]]
"""Country, ISO 3166-1 alpha-3, to codes of its parts; none for the whole country."""


@dataclass(frozen=True)
class Rule:
    """See the module."""

    allow: Parts = field(default_factory=dict)
    block: Parts = field(default_factory=dict)

    def holds(self, country: str, part: str | None) -> bool:
        """Tell whether the taxon may live there."""
        parts = self.allow.get(country)
        if self.allow and (parts is None or (parts and part and part not in parts)):
            return False
        blocked = self.block.get(country)
        return blocked is None or bool(blocked and part not in blocked)


def key(taxon: Taxon) -> str:
    """Name a taxon as the rules do: ``mammalia;carnivora;felidae;panthera;leo``."""
    known = {level: name.lower() for level, name in (*taxon.lineage, (taxon.level, taxon.name))}
    if "species" in known:
        known["species"] = known["species"].partition(" ")[2] or known["species"]
    return ";".join(known.get(rank, "") for rank in RANKS)


def lives(taxa: Sequence[Taxon], rules: Mapping[str, Rule], country: str, part: str | None) -> bool:
    """Tell whether one of a label's taxa may live there; what is no taxon may be anywhere."""
    found = (rules.get(key(taxon), Rule()) for taxon in taxa)
    return not taxa or any(rule.holds(country, part) for rule in found)
