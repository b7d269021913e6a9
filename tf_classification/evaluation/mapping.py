"""Judging a classifier by other labels than its own: MegaClassifier's by a bespoke classifier's.

A target mapping says which of the classifier's labels make up each target::

    {"canid": ["coyote", "red fox"], "cervid": ["elk"], "bird": [], "other": ["car"]}

The probability of a target is the sum of its labels' (here: the logarithm of the sum of the
exponentials of their logits, which softmax makes the same).  The targets are the dataset's labels,
in the dataset's order, and "other" last if the dataset has no such label of its own.  A target
without labels is never predicted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError
from database_tools.durable import files

OTHER = "other"


@dataclass(frozen=True)
class TargetMapping:
    """From a classifier's outputs to targets.

    Attributes:
        targets: T names in order.
        groups: for each target, the positions of its labels among the classifier's outputs.
    """

    targets: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]

    def logits(self, logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """Turn logits, or log probabilities, (N, C) into those of the targets, (N, T).

        A target without labels gets minus infinity.
        """
        rows = np.asarray(logits, np.float64)
        columns = [_log_sum_exp(rows[:, list(group)]) for group in self.groups]
        return np.stack(columns, axis=1).astype(np.float32)


def _log_sum_exp(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    if not rows.shape[1]:
        return np.full(len(rows), -np.inf)
    highest = rows.max(axis=1)
    with np.errstate(invalid="ignore"):  # a row of minus infinities stays one
        total = np.log(np.exp(rows - highest[:, None]).sum(axis=1))
    return np.where(np.isneginf(highest), -np.inf, highest + total)


def read(
    path: Path, classifier_labels: Sequence[str], dataset_labels: Sequence[str]
) -> TargetMapping:
    """Read a target mapping, as ``map_classification_categories.py`` writes it.

    Args:
        path: the JSON file.
        classifier_labels: names of the classifier's outputs, in order.
        dataset_labels: names of the dataset's labels, in order.

    Raises:
        FormatError: if the targets are not the dataset's labels (and perhaps "other"), a label
            is unknown or in two targets, or one of the classifier's labels is in none.
    """
    table = files.read_json(path)
    if not isinstance(table, dict) or not all(isinstance(v, list) for v in table.values()):
        raise FormatError(path, "top level", 'expected an object like {"canid": ["red fox"]}')
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
