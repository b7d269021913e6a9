"""Which taxa have enough pictures to be labels of a classifier: the leaves of a tree of counts.

    class mammalia 9,000
      family canidae 5,000
        genus canis 4,000           -> "genus: canis"
        (vulpes 600, own 400)
      (small families 3,500, own 500)  -> "class: mammalia (other)"

From the top down: a taxon of too few pictures is no label; one whose children all have too few is
one; else each child that has enough is looked at, and what remains, the small children and the
pictures that nobody knows more about than this taxon, is a label "(other)" if it is enough.

Source: megaclassifier_label_spec of the original, which lost the pictures of the taxon itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from database_tools.core.label_spec import LabelRule, LabelSpec, Selection, TaxonRule
from database_tools.core.taxon_tree import Taxon, TaxonTree

HUMAN: Taxon = ("species", "homo sapiens")
"""No label, nor is anything below it."""

Counts = Mapping[Taxon, int]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A label of a taxon, without the children that are looked at on their own."""

    taxon: Taxon
    without: tuple[Taxon, ...]
    images: int

    @property
    def name(self) -> str:
        """``genus: canis`` or ``class: mammalia (other)``."""
        level, name = self.taxon
        return f"{level}: {name}{' (other)' if self.without else ''}"


def totals(tree: TaxonTree, own: Counts) -> dict[Taxon, int]:
    """Return the pictures of each taxon and all below it, people left out, from its own."""
    people = set(tree.below(HUMAN)) if HUMAN in tree else set()
    found = {taxon: own.get(taxon, 0) * (taxon not in people) for taxon in tree.taxa}
    for taxon in reversed(tree.taxa):  # children before their parents
        if (parent := tree.parent(taxon)) is not None:
            found[parent] += found[taxon]
    return found


def search(tree: TaxonTree, total: Counts, least: int) -> list[Leaf]:
    """Return the labels, from the top down; ``least`` pictures are enough for one."""
    return [leaf for root in tree.children(None) for leaf in _search(tree, total, least, root)]


def _search(tree: TaxonTree, total: Counts, least: int, taxon: Taxon) -> Iterator[Leaf]:
    if total[taxon] < least:
        return
    large = tuple(child for child in tree.children(taxon) if total[child] >= least)
    for child in large:
        yield from _search(tree, total, least, child)
    rest = total[taxon] - sum(total[child] for child in large)
    if rest >= least:
        yield Leaf(taxon, large, rest)


def specification(tree: TaxonTree, leaves: list[Leaf], most: int) -> LabelSpec:
    """Return the specification of labels, sorted by name, each of at most ``most`` pictures."""
    people = HUMAN in tree and tree.dataset_labels(HUMAN)
    rules = {}
    for leaf in sorted(leaves, key=lambda leaf: leaf.name):
        less = [*leaf.without]
        if people and leaf.taxon in tree.lineage(HUMAN):
            less.append(HUMAN)
        exclude = Selection(taxa=tuple(TaxonRule(*taxon) for taxon in less)) if less else None
        rules[leaf.name] = LabelRule((TaxonRule(*leaf.taxon),), exclude=exclude, max_count=most)
    return rules
