"""From a classifier's labels to targets: the mapping itself, and the probabilities by it."""

from __future__ import annotations

from pathlib import Path

from database_tools.core import category_mapping
from database_tools.core.category_mapping import Taxa
from database_tools.core.errors import FormatError, UserError
from database_tools.core.label_query import LabelSpecError
from database_tools.core.label_spec import LabelSpec
from database_tools.core.taxon_tree import TaxonTree
from database_tools.formats import classifier_csv, label_index, label_spec, target_mapping_json
from database_tools.formats import taxonomy_csv as taxonomies


def write_mapping(
    desired_label_spec_json: Path,
    classifier_label_spec_json: Path,
    taxonomy_csv: Path,
    output: Path,
    classifier_label_index: Path | None = None,
) -> None:
    """Write which of a classifier's labels make up each target; see the flags of the command.

    Raises:
        UserError: if a target has a part of a label only.
        FormatError: if a file breaks its rules, or the index has a label without specification.
    """
    tree = taxonomies.read(taxonomy_csv)
    labels = label_spec.read(classifier_label_spec_json)
    if (index := classifier_label_index) is not None:
        names = label_index.read(index)
        if unknown := [name for name in names if name not in labels]:
            rule = f"{classifier_label_spec_json} has no label {unknown[0]!r}"
            raise FormatError(index, f'"{names.index(unknown[0])}"', rule)
        labels = {name: rule for name, rule in labels.items() if name in names}
    targets = desired_label_spec_json
    wanted = _taxa(targets, label_spec.read(targets), tree)
    given = _taxa(classifier_label_spec_json, labels, tree)
    target_mapping_json.write(output, category_mapping.assign(wanted, given))


def _taxa(path: Path, spec: LabelSpec, tree: TaxonTree) -> Taxa:
    try:
        return category_mapping.taxa_of(spec, tree)
    except LabelSpecError as error:
        raise FormatError(path, error.place, error.rule) from None


def aggregate(
    classifier_results_csv: Path, target_mapping: Path, output_csv: Path, output_label_index: Path
) -> None:
    """Sum a classifier's probabilities by target, the targets in alphabetical order.

    True labels and weights of the table are kept as they are; see the flags of the command.

    Raises:
        UserError: if an output would overwrite an input.
        FormatError: if a file breaks its rules, or mapping and table have other labels.
    """
    if output_csv.resolve() == classifier_results_csv.resolve():
        raise UserError(f"--output-csv {output_csv}: is the classifier's own table")
    with classifier_csv.reading(classifier_results_csv) as table:
        groups = target_mapping_json.read(target_mapping, table.label_names)
        kept = {"labels": table.has_labels, "weights": table.has_weights}
        with classifier_csv.writing(output_csv, groups.targets, **kept) as writer:
            for rows in table:
                sums = groups.probabilities(rows.probabilities)
                writer.write(rows.paths, sums, rows.labels, rows.weights)
    label_index.write(output_label_index, groups.targets)
