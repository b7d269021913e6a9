"""From a classifier's labels to targets: the mapping itself, and the probabilities by it."""

from __future__ import annotations

from pathlib import Path

from database_tools.core import category_mapping
from database_tools.core.category_mapping import Taxa
from database_tools.core.errors import FormatError, UserError
from database_tools.core.label_query import LabelSpecError
from database_tools.core.label_spec import LabelSpec
from database_tools.core.taxon_tree import TaxonTree
from database_tools.formats import (
    classifier_csv,
    label_index,
    label_spec,
    target_mapping_json,
    taxonomy_csv,
)


def write_mapping(
    targets: Path, classifier: Path, taxonomy: Path, output: Path, index: Path | None = None
) -> None:
    """Write which of a classifier's labels make up each target.

    Args:
        targets: label specification of the targets.
        classifier: label specification of the classifier.
        taxonomy: the CSV that both speak of.
        output: JSON to write.
        index: label index of the classifier, if it has fewer labels than its specification.

    Raises:
        UserError: if a target has a part of a label only.
        FormatError: if a file breaks its rules, or the index has a label without specification.
    """
    tree = taxonomy_csv.read(taxonomy)
    labels = label_spec.read(classifier)
    if index is not None:
        names = label_index.read(index)
        if unknown := [name for name in names if name not in labels]:
            raise FormatError(
                index, f'"{names.index(unknown[0])}"', f"{classifier} has no label {unknown[0]!r}"
            )
        labels = {name: rule for name, rule in labels.items() if name in names}
    wanted = _taxa(targets, label_spec.read(targets), tree)
    table = category_mapping.assign(wanted, _taxa(classifier, labels, tree))
    target_mapping_json.write(output, table)


def _taxa(path: Path, spec: LabelSpec, tree: TaxonTree) -> Taxa:
    try:
        return category_mapping.taxa_of(spec, tree)
    except LabelSpecError as error:
        raise FormatError(path, error.place, error.rule) from None


def aggregate(results: Path, mapping: Path, output: Path, index: Path) -> None:
    """Sum a classifier's probabilities by target, the targets in alphabetical order.

    True labels and weights of the table are kept as they are.

    Args:
        results: CSV of the classifier's probabilities.
        mapping: JSON from target to the classifier's labels; each label is in one target.
        output: CSV to write, compressed if named ``.gz``.
        index: label index to write, of the targets.

    Raises:
        UserError: if an output would overwrite an input.
        FormatError: if a file breaks its rules, or mapping and table have other labels.
    """
    if output.resolve() == results.resolve():
        raise UserError(f"--output-csv {output}: is the classifier's own table")
    with classifier_csv.reading(results) as table:
        groups = target_mapping_json.read(mapping, table.label_names)
        kept = {"labels": table.has_labels, "weights": table.has_weights}
        with classifier_csv.writing(output, groups.targets, **kept) as writer:
            for rows in table:
                sums = groups.probabilities(rows.probabilities)
                writer.write(rows.paths, sums, rows.labels, rows.weights)
    label_index.write(index, groups.targets)
