"""Taxa of a tree that may be one taxon under two names.

    species canis familiaris          and  subspecies canis lupus familiaris
    species equus zebra               and  genus zebra
    species equus quagga ("zebra")    and  genus zebra ("zebra")

Found by words only, within one family: two names that end alike; a genus named as a species
elsewhere; and a label that is a taxon's own name in one dataset, and another taxon in another.
Whether they are one taxon is for people to say.  Of a taxon and one above it, nothing is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from database_tools.core.taxon_tree import Taxon, TaxonTree

_LOW = frozenset({"species", "subspecies", "variety"})


@dataclass(frozen=True, slots=True)
class Double:
    """Two taxa that may be one, in alphabetical order, and the word that they share."""

    first: Taxon
    second: Taxon
    word: str

    def __str__(self) -> str:
        names = " and ".join(" ".join(taxon) for taxon in (self.first, self.second))
        return f'{names} may be one taxon under two names: both are "{self.word}"'


def find(tree: TaxonTree) -> list[Double]:
    """Return the pairs, sorted."""
    named: defaultdict[tuple[str, str], set[Taxon]] = defaultdict(set)
    family = dict(_families(tree))
    for taxon, of in family.items():
        if taxon[0] in _LOW or taxon[0] == "genus":
            named[of, taxon[1].split()[-1]].add(taxon)
    called: defaultdict[str, set[Taxon]] = defaultdict(set)
    for (_, label), taxon in tree.labels.items():
        called[label].add(taxon)
    for label, taxa in called.items():
        for taxon in taxa:
            its = family.get(taxon)
            if its is not None and taxon[1].split()[-1] == label:
                named[its, label].update(other for other in taxa if family.get(other) == its)
    found = {
        Double(first, second, word)
        for (_, word), taxa in named.items()
        for first, second in combinations(sorted(taxa), 2)
        if first not in tree.lineage(second) and second not in tree.lineage(first)
    }
    return sorted(found, key=lambda double: (double.first, double.second, double.word))


def _families(tree: TaxonTree) -> Iterator[tuple[Taxon, str]]:
    """Yield each taxon below a family, and that family."""
    for taxon in tree.taxa:
        if taxon[0] == "family":
            yield from ((below, taxon[1]) for below in tree.below(taxon)[1:])
