"""``target_to_classifier_labels.json``: which labels of a classifier make up each target.

    {"canid": ["coyote", "red fox"], "cervid": ["elk"], "bird": [], "other": ["car"]}

``core.target_mapping`` says what it is for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.core.target_mapping import OTHER, TargetMapping
from database_tools.durable import files


def write(path: Path, table: Mapping[str, Sequence[str]]) -> None:
    """Write each target's labels, in the order given."""
    files.write_json(path, {target: list(labels) for target, labels in table.items()})


def read(
    path: Path, classifier_labels: Sequence[str], dataset_labels: Sequence[str] | None = None
) -> TargetMapping:
    """Read a target mapping, as ``map_classification_categories.py`` writes it.

    Args:
        path: the JSON file.
        classifier_labels: names of the classifier's outputs, in order.
        dataset_labels: names of the dataset's labels, in order; None where there is no dataset:
            the targets are then those of the file, in alphabetical order.

    Raises:
        FormatError: if the targets are not the dataset's labels (and perhaps "other"), a label
            is unknown or in two targets, or one of the classifier's labels is in none.
    """
    table = files.read_json(path)
    if not isinstance(table, dict) or not all(isinstance(v, list) for v in table.values()):
        raise FormatError(path, "top level", 'expected an object like {"canid": ["red fox"]}')
    if dataset_labels is None:
        dataset_labels = sorted(table)
    _check_targets(path, table, dataset_labels)
    _check_labels(path, table, classifier_labels)
    extra = [OTHER] if OTHER in table and OTHER not in dataset_labels else []
    targets = (*dataset_labels, *extra)
    position = {name: i for i, name in enumerate(classifier_labels)}
    groups = tuple(tuple(sorted(position[name] for name in table[target])) for target in targets)
    return TargetMapping(targets, groups)


def _check_targets(path: Path, table: dict[str, list[str]], dataset_labels: Sequence[str]) -> None:
    if unknown := [t for t in table if t not in dataset_labels and t != OTHER]:
        raise FormatError(path, f'"{unknown[0]}"', "the dataset has no such label")
    if missing := [name for name in dataset_labels if name not in table]:
        rule = f'the dataset\'s label has no entry; add "{missing[0]}": [] if none fits'
        raise FormatError(path, f'"{missing[0]}"', rule)


def _check_labels(path: Path, table: dict[str, list[str]], labels: Sequence[str]) -> None:
    owner: dict[str, str] = {}
    for target, names in table.items():
        for name in names:
            if name not in labels:
                raise FormatError(path, f'"{target}"', f"the classifier has no label {name!r}")
            if name in owner:
                rule = f"the label {name!r} is in {owner[name]!r} too"
                raise FormatError(path, f'"{target}"', rule)
            owner[name] = target
    if left := [name for name in labels if name not in owner]:
        rule = f'the classifier\'s label {left[0]!r} is in no target; put it in "{OTHER}"'
        raise FormatError(path, "top level", rule)
