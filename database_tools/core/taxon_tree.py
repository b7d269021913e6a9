"""The tree of taxa, and which labels of which datasets sit where in it.

    rows of the taxonomy CSV -> TaxonTree.of(rows) -> labels under a taxon, lineage, common ancestor

A taxon is (level, name), e.g. ``("family", "felidae")``, in lower case.  Sources disagree about
parents; each taxon gets one, by the original's rules:

- none: it is a root;
- two, one of which is above the other: the lower one;
- two others: the one that ``KNOWN_PARENTS``, or a table of the user's, says;
- anything else is an error, as every count of pictures above it would depend on a guess.

Source: taxonomy_graph.py of the original, whose taxa of three parents silently became roots.
"""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

Taxon = tuple[str, str]
"""(level, name)"""

DatasetLabel = tuple[str, str]
"""(dataset, label)"""

KNOWN_PARENTS: Mapping[Taxon, Taxon] = {
    ("family", "cathartidae"): ("order", "accipitriformes"),
    ("family", "soricidae"): ("order", "eulipotyphla"),
    ("species", "nyctanassa violacea"): ("genus", "nyctanassa"),
    ("family", "trochilidae"): ("order", "caprimulgiformes"),
}


@dataclass(frozen=True, slots=True)
class TaxonomyRow:
    """One label of a dataset, in lower case: its lineage from the taxon up, its line in the CSV."""

    dataset: str
    label: str
    lineage: tuple[Taxon, ...]
    line: int


class TaxonTreeError(Exception):
    """A taxon whose place cannot be decided; the row that brought its last parent, and the rule."""

    def __init__(self, line: int, rule: str) -> None:
        super().__init__(rule)
        self.line = line
        self.rule = rule


class TaxonTree:
    """The tree.

    Attributes:
        taxa: every taxon, parents before their children, brothers and sisters in alphabetical
            order.
        disputed: taxa that rows give several parents, with these, sorted.
    """

    def __init__(self, parents: Mapping[Taxon, Taxon | None], rows: Iterable[TaxonomyRow]) -> None:
        """Make a tree of each taxon's parent; ``of`` finds out which that is."""
        self.labels: dict[DatasetLabel, Taxon] = {
            (row.dataset, row.label): row.lineage[0] for row in rows
        }
        self.disputed: dict[Taxon, tuple[Taxon, ...]] = {}
        self._parents = parents
        self._children: dict[Taxon | None, list[Taxon]] = {}
        for taxon in sorted(parents):
            self._children.setdefault(parents[taxon], []).append(taxon)
        self.taxa = tuple(self._downwards())
        if lost := parents.keys() - set(self.taxa):  # no way leads to them from a root
            raise TaxonTreeError(0, f"{_named(min(lost))} was put below itself")
        # In this order everything below a taxon follows it in one run.
        self._place = {taxon: i for i, taxon in enumerate(self.taxa)}
        self._end = [i + 1 for i in range(len(self.taxa))]
        for i in range(len(self.taxa) - 1, -1, -1):
            parent = parents[self.taxa[i]]
            if parent is not None:
                above = self._place[parent]
                self._end[above] = max(self._end[above], self._end[i])
        placed = ((self._place[taxon], label) for label, taxon in self.labels.items())
        self._by_place = sorted(placed)

    @classmethod
    def of(
        cls,
        rows: Sequence[TaxonomyRow],
        decided: Mapping[Taxon, Taxon] | None = None,
        *,
        single_parent: bool = False,
    ) -> TaxonTree:
        """Make the tree of a table; a parent that is ``decided`` goes before every other rule.

        Raises:
            TaxonTreeError: if a taxon has parents of which none can be chosen, or is above itself.
        """
        seen: dict[Taxon, dict[Taxon, int]] = {}
        for row in rows:
            for child, parent in zip(row.lineage, row.lineage[1:], strict=False):
                seen.setdefault(child, {}).setdefault(parent, row.line)
            seen.setdefault(row.lineage[-1], {})
        disputed = {taxon: tuple(sorted(found)) for taxon, found in seen.items() if len(found) > 1}
        for taxon in disputed if single_parent else ():
            if taxon not in (decided or {}):
                raise _undecided(taxon, seen[taxon])
        above = _Above(seen)
        choices = {**KNOWN_PARENTS, **(decided or {})}
        parents = {
            taxon: _parent(taxon, found, choices, decided or {}, above)
            for taxon, found in seen.items()
        }
        for child, chosen in (decided or {}).items():
            if wrong := [taxon for taxon in (child, chosen) if taxon not in parents]:
                rule = f"{_named(child)} below {_named(chosen)}: no row has {_named(wrong[0])}"
                raise TaxonTreeError(0, rule)
        tree = cls(parents, rows)
        tree.disputed = disputed
        return tree

    def __contains__(self, taxon: Taxon) -> bool:
        return taxon in self._place

    def parent(self, taxon: Taxon) -> Taxon | None:
        """Return the taxon above, None for a root."""
        return self._parents[taxon]

    def children(self, taxon: Taxon | None) -> tuple[Taxon, ...]:
        """Return the taxa right below, in alphabetical order; of None, the roots."""
        return tuple(self._children.get(taxon, ()))

    def lineage(self, taxon: Taxon) -> tuple[Taxon, ...]:
        """Return the taxon and all above it, from the taxon up."""
        found = [taxon]
        while (parent := self._parents[found[-1]]) is not None:
            found.append(parent)
        return tuple(found)

    def below(self, taxon: Taxon) -> tuple[Taxon, ...]:
        """Return the taxon and all below it."""
        i = self._place[taxon]
        return self.taxa[i : self._end[i]]

    def dataset_labels(
        self, taxon: Taxon, datasets: Collection[str] | None = None
    ) -> frozenset[DatasetLabel]:
        """Return the labels that are the taxon or below it, of these datasets; None for all."""
        i = self._place[taxon]
        start = bisect.bisect_left(self._by_place, (i,))
        end = bisect.bisect_left(self._by_place, (self._end[i],))
        found = (label for _, label in self._by_place[start:end])
        return frozenset(x for x in found if datasets is None or x[0] in datasets)

    def common_ancestor(self, taxa: Iterable[Taxon]) -> Taxon | None:
        """Return the lowest taxon that all of these are or are below; None if there is none."""
        lineages = [self.lineage(taxon) for taxon in taxa]
        shared = set(lineages[0]).intersection(*lineages[1:])
        return next((taxon for taxon in lineages[0] if taxon in shared), None)

    def nearest(self, taxon: Taxon) -> Taxon | None:
        """Return the taxon that one which is not there was perhaps meant to be."""
        level, name = taxon
        same_name = [t for t in self.taxa if t[1] == name]
        names = [t[1] for t in self.taxa if t[0] == level]
        like = difflib.get_close_matches(name, names, 1)
        return same_name[0] if same_name else (level, like[0]) if like else None

    def _downwards(self) -> Iterator[Taxon]:
        waiting = self._children.get(None, [])[::-1]
        while waiting:
            taxon = waiting.pop()
            yield taxon
            waiting.extend(reversed(self._children.get(taxon, [])))


class _Above:
    """All that is above a taxon by any of its parents, each asked once."""

    def __init__(self, parents: Mapping[Taxon, Mapping[Taxon, int]]) -> None:
        self._parents = parents
        self._known: dict[Taxon, frozenset[Taxon]] = {}

    def __call__(self, taxon: Taxon, path: tuple[Taxon, ...] = ()) -> frozenset[Taxon]:
        if taxon in path:
            line = max(self._parents[path[-1]].values())
            rule = f"{_named(taxon)} is above itself, by way of {_named(path[-1])}"
            raise TaxonTreeError(line, rule)
        if taxon not in self._known:
            found = self._parents[taxon]
            self._known[taxon] = frozenset(found).union(
                *(self(parent, (*path, taxon)) for parent in found)
            )
        return self._known[taxon]


def _parent(
    taxon: Taxon,
    found: Mapping[Taxon, int],
    choices: Mapping[Taxon, Taxon],
    decided: Mapping[Taxon, Taxon],
    above: _Above,
) -> Taxon | None:
    """Choose a taxon's parent among those that rows give it, each with its line."""
    above(taxon)  # finds circles, those of a single parent too
    if taxon in decided:
        return decided[taxon]
    if len(found) < 2:
        return next(iter(found), None)
    if len(found) == 2:
        first, second = found
        if second in above(first):
            return first
        if first in above(second):
            return second
        if choices.get(taxon) in found:
            return choices[taxon]
    raise _undecided(taxon, found)


def _undecided(taxon: Taxon, found: Mapping[Taxon, int]) -> TaxonTreeError:
    rule = f"{_named(taxon)} has the parents {', '.join(map(_named, sorted(found)))}"
    return TaxonTreeError(max(found.values()), f"{rule}; say which with --taxonomy_parents")


def _named(taxon: Taxon) -> str:
    return " ".join(taxon)
