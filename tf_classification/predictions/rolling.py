"""``roll_up.py``: the lowest taxon that is sure enough, of each crop; see ``core.tree_masses``.

Writes what ``result_request`` lists.  A crop has its answer and, below it, the labels that make
it up, with their masses; so has its row in the table, and 0 elsewhere.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from database_tools.core import geofence, label_query, tree_masses
from database_tools.core.errors import FormatError, UserError
from database_tools.core.label_query import LabelSpecError
from database_tools.core.label_spec import LabelRule, LabelSpec, TaxonRule
from database_tools.core.ledger import Ledger
from database_tools.core.taxa import Taxonomy
from database_tools.core.taxon_tree import TaxonTree, TaxonTreeError
from database_tools.core.tree_masses import TreeMasses
from database_tools.formats import (
    classifier_csv,
    classlist,
    geofence_json,
    label_index,
    label_spec,
    taxonomy_csv,
)
from tf_classification.models import bundle, description
from tf_classification.predictions import merging, result_tables
from tf_classification.predictions.merging import Origin
from tf_classification.predictions.result_request import LABELS, TABLE
from tf_classification.predictions.roll_request import RollRequest

log = logging.getLogger(__name__)


def run(asked: RollRequest) -> Ledger:
    """Do what the command is asked for, and return the account of the crops.

    Raises:
        UserError: if files do not fit together.
        FormatError: if a file breaks its rules.
    """
    labels = result_tables.labels(asked.classification_csv)
    taxonomy = _taxonomy(asked, labels)
    try:
        tree = TreeMasses.of(labels, taxonomy)
    except (TaxonTreeError, ValueError) as error:
        raise UserError(f"{asked.taxonomy or asked.model}: {error}") from None
    allowed = _allowed(asked, labels, taxonomy)
    answered, sure, impossible = Counter[str](), 0.0, 0
    with classifier_csv.writing(asked.output_dir / TABLE, tree.names) as table:
        for _, paths, rows in result_tables.rows(asked.classification_csv, labels):
            if len(allowed) < len(labels):
                rows = tree_masses.renormalised(rows, allowed)
                impossible += int((rows.sum(axis=1) == 0).sum())
            masses = tree.masses(rows)
            answers = tree.answers(masses, asked.target)
            told = tree.told(masses, answers)
            table.write(paths, told.astype(np.float32))
            answered.update(tree.names[answer] for answer in answers.tolist())
            sure += float(masses[np.arange(len(rows)), answers].sum())
    label_index.write(asked.output_dir / LABELS, tree.names)
    for name, number in answered.most_common():
        log.info("%s crops: %s", f"{number:,}", name)
    if impossible:
        log.warning("WARNING: %s crops are only of labels that there cannot be", f"{impossible:,}")
    log.info("mean mass of the answers: %.3f", sure / max(answered.total(), 1))
    return merging.merge(asked.merge_request(), Origin(asked.classification_csv, asked.metadata()))


def _taxonomy(asked: RollRequest, labels: Sequence[str]) -> Taxonomy:
    """Return what the labels are; one that is nothing sits at the root."""
    known = _of_model(asked.model, labels) if asked.model else None
    if asked.taxonomy is not None:
        tree = taxonomy_csv.read(asked.taxonomy, asked.taxonomy_parents)
        if asked.label_spec is not None:
            spec = label_spec.read(asked.label_spec)
        elif known is not None:
            spec = {
                label: LabelRule(tuple(TaxonRule(taxon.level, taxon.name) for taxon in taxa))
                for label, taxa in known.items()
            }
        else:
            spec = _by_name(tree, labels)
        try:
            known = label_query.taxonomy({n: spec[n] for n in labels if n in spec}, tree)
        except LabelSpecError as error:
            source = asked.label_spec or asked.model or asked.taxonomy
            raise FormatError(source, error.place, error.rule) from None
    assert known is not None  # one of both is given
    if lacking := [label for label in labels if not known.get(label)]:
        log.info("no taxa, so right below the root: %s", ", ".join(lacking))
    if len(lacking) == len(labels):
        raise UserError(f"{asked.taxonomy or asked.model}: no label is a taxon of it")
    return known


def _of_model(path: Path, labels: Sequence[str]) -> Taxonomy:
    if path.suffix == ".tflite":
        found = description.read_facts(path.with_name("model.json"))[0]
    else:
        found = bundle.read(path).description
    if set(found.labels) != set(labels):
        odd = min(set(found.labels) ^ set(labels))
        raise UserError(f"{path}: its labels are not the table's: {odd!r} is in one only")
    if found.taxonomy is None:
        raise UserError(f"{path}: the model does not know what its labels are; give --taxonomy")
    return found.taxonomy


def _by_name(tree: TaxonTree, labels: Iterable[str]) -> LabelSpec:
    """Take a label for what datasets mean by it, else for the taxon that is called so."""
    said: dict[str, dict[str, tuple[str, ...]]] = {}
    for dataset, name in tree.labels:
        said.setdefault(name, {})[dataset] = (name,)
    called: dict[str, list[TaxonRule]] = {}
    for level, name in tree.taxa:
        called.setdefault(name, []).append(TaxonRule(level, name))

    def rule(label: str) -> LabelRule:
        names = (label.lower(), label.lower().replace("_", " "))
        for name in names:
            if name in said:
                return LabelRule(dataset_labels=said[name])
        # A genus and its subgenus may have one name: the lower one is meant.
        return next((LabelRule(tuple(called[n][-1:])) for n in names if n in called), LabelRule())

    return {label: rule(label) for label in labels}


def _allowed(asked: RollRequest, labels: Sequence[str], taxonomy: Taxonomy) -> list[int]:
    """Return the positions of the labels that there can be."""
    found = set(range(len(labels)))
    if asked.allow_list is not None:
        listed: set[int] = set()
        for name in classlist.read(asked.allow_list):
            if not (meant := tree_masses.listed(labels, taxonomy, name.strip())):
                raise UserError(f"{asked.allow_list}: {name!r} is no label, nor a taxon of one")
            listed.update(meant)
        found &= listed
    if asked.geofence is not None and asked.country is not None:
        rules = geofence_json.read(asked.geofence)
        here = (asked.country, asked.admin1)
        found = {i for i in found if geofence.lives(taxonomy.get(labels[i], ()), rules, *here)}
    if not found:
        raise UserError("no label is left that there can be")
    if len(found) < len(labels):
        lost = ", ".join(label for i, label in enumerate(labels) if i not in found)
        log.info("labels that there cannot be: %s", lost)
    return sorted(found)
