"""Which labels of which datasets make up each label of a classifier.

    resolve({"cervid": LabelRule(taxa=(TaxonRule("family", "cervidae"),))}, tree)
    -> {"cervid": {("idfg", "elk"), ("caltech", "deer"), ...}}

Taxa and their names are compared in lower case, as the taxonomy is; dataset labels are taken as
they are written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations

from database_tools.core import taxa
from database_tools.core.label_spec import LabelSpec, Selection, TaxonRule
from database_tools.core.taxa import Taxonomy
from database_tools.core.taxon_tree import DatasetLabel, TaxonTree

Resolved = Mapping[str, frozenset[DatasetLabel]]
"""Label to the dataset labels that make it up, in the order of the specification."""


class LabelSpecError(Exception):
    """A label whose specification cannot be met: where, as ``"cervid".taxa[0]``, and why."""

    def __init__(self, place: str, rule: str) -> None:
        super().__init__(f"{place}: {rule}")
        self.place = place
        self.rule = rule


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two labels that share dataset labels, which a picture could then be both of."""

    first: str
    second: str
    shared: frozenset[DatasetLabel]

    def __str__(self) -> str:
        names = ", ".join("/".join(label) for label in sorted(self.shared)[:5])
        return f"{self.first} and {self.second} share {len(self.shared)} dataset labels: {names}"


def resolve(spec: LabelSpec, tree: TaxonTree) -> Resolved:
    """Return the dataset labels of each label.

    Raises:
        LabelSpecError: if a taxon is not in the tree, or a label, or what it excludes, matches no
            dataset label.  What is empty only because of its own exclusions passes.
    """
    return {label: select(rule, tree, f'"{label}"') for label, rule in spec.items()}


def select(selection: Selection, tree: TaxonTree, place: str) -> frozenset[DatasetLabel]:
    """Return the dataset labels of a selection; as ``resolve``, of one."""
    found = {
        (dataset, label) for dataset, labels in selection.dataset_labels.items() for label in labels
    }
    for i, taxon in enumerate(selection.taxa):
        found |= tree.dataset_labels(locate(taxon, tree, f"{place}.taxa[{i}]"), taxon.datasets)
    if not found:
        raise LabelSpecError(place, "matches no dataset label")
    if selection.exclude is not None:
        found -= select(selection.exclude, tree, f"{place}.exclude")
    return frozenset(found)


def locate(taxon: TaxonRule, tree: TaxonTree, place: str) -> tuple[str, str]:
    """Return a taxon as the tree has it; raise LabelSpecError with the likeliest one if not."""
    wanted = taxon.level.lower(), taxon.name.lower()
    if wanted not in tree:
        nearest = tree.nearest(wanted)
        hint = f"; did you mean {' '.join(nearest)}?" if nearest else ""
        raise LabelSpecError(place, f"{' '.join(wanted)} is not in the taxonomy{hint}")
    return wanted


def taxonomy(spec: LabelSpec, tree: TaxonTree) -> Taxonomy:
    """Return what each label of a specification that ``resolve`` takes stands for.

    Its taxa, and those of its dataset labels as far as the taxonomy has them; of a taxon and one
    above it, the one above.
    """
    return {label: tuple(_stands_for(rule, tree, label)) for label, rule in spec.items()}


def _stands_for(rule: Selection, tree: TaxonTree, label: str) -> Iterator[taxa.Taxon]:
    named = [
        (dataset.lower(), name.lower())
        for dataset, names in rule.dataset_labels.items()
        for name in names
    ]
    found = {locate(taxon, tree, label): None for taxon in rule.taxa}
    found.update(dict.fromkeys(tree.labels[name] for name in named if name in tree.labels))
    for taxon in found:
        above = tree.lineage(taxon)[1:]
        if not any(other in found for other in above):
            yield taxa.Taxon(*taxon, lineage=above[::-1])


def overlaps(resolved: Resolved) -> list[Overlap]:
    """Return the pairs of labels that share dataset labels, in the order of the labels."""
    return [
        Overlap(first, second, shared)
        for first, second in combinations(resolved, 2)
        if (shared := resolved[first] & resolved[second])
    ]
