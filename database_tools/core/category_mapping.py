"""From the labels of one classifier to the targets that somebody wants, by their taxa.

    targets     {"canid": family canidae, "bird": class aves}
    classifier  {"fox": genus vulpes, "canis_spp": genus canis, "elk": species cervus canadensis}
    -> {"canid": ["canis_spp", "fox"], "bird": [], "other": ["elk"]}

Both are label specifications over one taxonomy.  A label belongs to the target that has all of its
taxa; what belongs to none is "other", which may be a target itself.  The tool of 2021 lost the
labels of such a target, and left targets without a label out.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import combinations

from database_tools.core.errors import UserError
from database_tools.core.label_query import LabelSpecError
from database_tools.core.label_spec import LabelSpec, Selection
from database_tools.core.target_mapping import OTHER
from database_tools.core.taxon_tree import Taxon, TaxonTree

log = logging.getLogger(__name__)

Taxa = Mapping[str, frozenset[Taxon]]
"""Label to all taxa that it stands for."""


def taxa_of(spec: LabelSpec, tree: TaxonTree) -> Taxa:
    """Return the taxa of each label, with all below them.

    A taxon that the tree does not have is ignored, with a line that says so.  ``datasets`` of a
    taxon says whose pictures to learn from, so it does not matter here.

    Raises:
        LabelSpecError: if the tree does not have a dataset label, a label or what it excludes
            stands for no taxon, or two labels share one.
    """
    found = {label: _taxa(rule, tree, f'"{label}"') for label, rule in spec.items()}
    for first, second in combinations(found, 2):
        if shared := found[first] & found[second]:
            taxon = " ".join(min(shared))
            raise LabelSpecError(f'"{first}" and "{second}"', f"share {len(shared)} taxa: {taxon}")
    return found


def _taxa(selection: Selection, tree: TaxonTree, place: str) -> frozenset[Taxon]:
    found: set[Taxon] = set()
    for rule in selection.taxa:
        if (taxon := (rule.level.lower(), rule.name.lower())) in tree:
            found.update(tree.below(taxon))
        else:
            log.warning("Taxon (%s, %s) not found in taxonomy graph. Ignoring.", *taxon)
    for dataset, labels in selection.dataset_labels.items():
        for label in labels:
            if (key := (dataset.lower(), label.lower())) not in tree.labels:
                said = f"the taxonomy has no taxon for {label!r}"
                raise LabelSpecError(f'{place}.dataset_labels."{dataset}"', said)
            found.update(tree.below(tree.labels[key]))
    if selection.exclude is not None:
        found -= _taxa(selection.exclude, tree, f"{place}.exclude")
    if not found:
        raise LabelSpecError(place, "stands for no taxon of the taxonomy")
    return frozenset(found)


def assign(targets: Taxa, labels: Taxa) -> dict[str, list[str]]:
    """Return each target's labels, sorted, in the order of the targets; "other" last if new.

    Raises:
        UserError: if a target has some taxa of a label, but not all.
    """
    owners = {label: _owner(label, taxa, targets) for label, taxa in labels.items()}
    names = dict.fromkeys([*targets, *([OTHER] if OTHER in owners.values() else [])])
    return {
        name: sorted(label for label, owner in owners.items() if owner == name) for name in names
    }


def _owner(label: str, taxa: frozenset[Taxon], targets: Taxa) -> str:
    for target, wanted in targets.items():
        if taxa <= wanted:
            return target
        if taxa & wanted:
            raise UserError(
                f"Only partial overlap between target {target} and classifier label {label}"
            )
    return OTHER
