"""From probabilities of labels to masses of taxa, and the lowest taxon that is sure enough.

    fox .45, wolf .35, hare .2        ->  canidae .8, carnivora .8, mammalia 1
    at least .65                      ->  family canidae

A node's mass is its own label's and its children's.  A label of one taxon is that taxon; one of
several sits at their lowest common ancestor, and is this node if nothing else is below it.  What
is no taxon (``empty``, ``car``) is right below the root, which is ``UNDECIDED``.  Taxa that hold
the same labels as one below them are left out, as they are never the lowest.

The way goes from the root into the heaviest child, as long as that one's mass reaches the target:
so a higher target never gives a more specific answer, and above one half the answer is the lowest
taxon of all that reach it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from database_tools.core.taxa import Taxonomy
from database_tools.core.taxon_tree import Taxon, TaxonomyRow, TaxonTree

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

UNDECIDED = "undecided"
_SLACK = 1e-9  # sums of floats


@dataclass(frozen=True, eq=False)
class TreeMasses:
    """The tree of C labels; its N columns are nodes, parents before their children.

    Attributes:
        names: of the columns: the label's, else ``family canidae``; the first is the root.
        parents: (N,) column of the parent; -1 for the root.
        labels: (C,) column of each label.
        is_answer: (N,) whether a column is a node; else a label that only sits at its parent.
    """

    names: tuple[str, ...]
    parents: Ints
    labels: Ints
    is_answer: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, labels: Sequence[str], taxonomy: Taxonomy) -> TreeMasses:
        """Make the tree.

        Raises:
            TaxonTreeError: if lineages give a taxon parents of which none can be chosen.
        """
        tree = _tree(labels, taxonomy)
        sits: dict[Taxon | None, list[str]] = {}
        for label in labels:
            taxa = [(taxon.level, taxon.name) for taxon in taxonomy.get(label, ())]
            sits.setdefault(tree.common_ancestor(taxa) if taxa else None, []).append(label)
        kept = _kept(tree, sits)
        names, parents, is_answer = [UNDECIDED], [-1], [True]
        column_of: dict[Taxon | None, int] = {None: 0}
        for taxon in (None, *kept):
            if taxon is not None:
                above = next((t for t in tree.lineage(taxon)[1:] if t in column_of), None)
                own = _own(taxon, sits.get(taxon, ()), taxonomy, kept[taxon])
                column_of[taxon] = len(names)
                names.append(own or " ".join(taxon))
                parents.append(column_of[above])
                is_answer.append(True)
            for label in sits.get(taxon, ()):
                if label != names[column_of[taxon]]:
                    names.append(label)
                    parents.append(column_of[taxon])
                    is_answer.append(not taxonomy.get(label))
        columns = {name: i for i, name in enumerate(names)}
        of_labels = np.array([columns[label] for label in labels])
        return cls(tuple(names), np.array(parents), of_labels, np.array(is_answer))

    def __post_init__(self) -> None:
        twice = [name for i, name in enumerate(self.names) if name in self.names[:i]]
        if twice:
            raise ValueError(f"the label {twice[0]!r} is called as a taxon is that it is not")

    @cached_property
    def above(self) -> npt.NDArray[np.bool_]:
        """(C, N): whether a column is a label's own, or above it."""
        found = np.zeros((len(self.labels), len(self.names)), bool)
        for i, column in enumerate(self.labels.tolist()):
            while column >= 0:
                found[i, column] = True
                column = int(self.parents[column])
        return found

    def masses(self, rows: Floats) -> Floats:
        """Sum (n, C) probabilities of labels to (n, N) masses."""
        return rows @ self.above.astype(np.float64)

    def answers(self, masses: Floats, target: float) -> Ints:
        """Return (n,) the column of each answer, for masses (n, N) and a target in (0, 1]."""
        found = np.zeros(len(masses), np.int64)
        for node in range(len(self.names)):
            children = np.flatnonzero((self.parents == node) & self.is_answer)
            here = np.flatnonzero(found == node)
            if not len(children) or not len(here):
                continue
            heaviest = children[masses[np.ix_(here, children)].argmax(axis=1)]
            reached = masses[here, heaviest] >= target - _SLACK
            found[here[reached]] = heaviest[reached]
        return found

    def told(self, masses: Floats, answers: Ints) -> Floats:
        """Return (n, N): the masses of the answer and of the labels below it, 0 elsewhere."""
        told = np.zeros_like(masses)
        told[:, self.labels] = masses[:, self.labels] * self.above.T[answers]
        rows = np.arange(len(masses))
        told[rows, answers] = masses[rows, answers]
        return told


def _tree(labels: Sequence[str], taxonomy: Taxonomy) -> TaxonTree:
    rows = [
        TaxonomyRow("", label, ((taxon.level, taxon.name), *taxon.lineage[::-1]), 0)
        for label in labels
        for taxon in taxonomy.get(label, ())
    ]
    return TaxonTree.of(rows)


def _kept(tree: TaxonTree, sits: Collection[Taxon | None]) -> dict[Taxon, int]:
    """Return the taxa that tell labels apart, parents first, with the number of their branches."""
    held = set(sits)  # labels sit there, or below
    for taxon in reversed(tree.taxa):
        if held.intersection(tree.children(taxon)):
            held.add(taxon)
    branches = {taxon: len(held.intersection(tree.children(taxon))) for taxon in tree.taxa}
    return {taxon: n for taxon, n in branches.items() if taxon in sits or n > 1}


def _own(taxon: Taxon, labels: Sequence[str], taxonomy: Taxonomy, branches: int) -> str | None:
    """Return the label that a taxon is; None if there is none, or several."""
    exact = [label for label in labels if len(taxonomy[label]) == 1]
    if len(exact) == 1:
        return exact[0]
    return labels[0] if len(labels) == 1 and not branches else None


def renormalised(rows: Floats, allowed: Collection[int]) -> Floats:
    """Set (n, C) probabilities but those of some labels to 0; rows sum to 1 again, or are 0."""
    kept = np.zeros_like(rows)
    kept[:, list(allowed)] = rows[:, list(allowed)]
    total = kept.sum(axis=1, keepdims=True)
    return np.divide(kept, total, out=kept, where=total > 0)


def listed(labels: Sequence[str], taxonomy: Taxonomy, name: str) -> list[int]:
    """Return the positions of the labels that a name means: a label's, or a taxon's above it.

    Names are ``red fox``, ``canidae`` or ``family canidae``, in either letter case.
    """
    wanted = name.casefold()

    def is_meant(label: str) -> bool:
        taxa = taxonomy.get(label, ())
        above = {pair for taxon in taxa for pair in (*taxon.lineage, (taxon.level, taxon.name))}
        names = {text for level, name in above for text in (name, f"{level} {name}")}
        return wanted in {label.casefold(), *map(str.casefold, names)}

    return [i for i, label in enumerate(labels) if is_meant(label)]
