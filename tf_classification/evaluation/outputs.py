"""The files of an evaluation, as the original tools write them.

``outputs_{split}.csv.gz``: one row for each crop, in the order of the dataset::

    path,label,weight,cat,cervid
    caltech/13/a.jpg___crop00_mdv4.1.jpg,cervid,0.75,0.12,0.88

``overall_metrics.csv``: one row for each split; accuracies in percent::

    split,loss,loss_weighted,acc_top1,acc_top3,acc_weighted_top1,acc_weighted_top3

``label_stats.csv``: precision (0 if never predicted) and recall (empty if no crop is of the
label), in [0, 1]::

    split,label,precision,recall

``confusion_matrices.npz``: for each split an array, [i, j] = crops of label i taken for label j.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError
from database_tools.durable import files
from database_tools.formats import classifier_csv
from tf_classification.evaluation import metrics

METRICS = ("loss", "loss_weighted", "acc_top1", "acc_top3")
METRICS_WEIGHTED = ("acc_weighted_top1", "acc_weighted_top3")


def file_name(split: str) -> str:
    """Name the outputs of a split."""
    return f"outputs_{split}.csv.gz"


class Writer:
    """Writes an ``outputs_{split}.csv.gz`` in parts; see ``writing``."""

    def __init__(self, table: classifier_csv.Writer, label_names: Sequence[str]) -> None:
        self._table, self._names = table, label_names

    def write(
        self,
        keys: Sequence[str] | npt.NDArray[np.str_],
        labels: npt.NDArray[np.integer],
        weights: npt.NDArray[np.float64],
        probabilities: npt.NDArray[np.float32],
    ) -> None:
        """Append N rows: (N,) paths, true labels and weights, (N, C) probabilities."""
        names = [self._names[i] for i in labels.tolist()]
        self._table.write([str(key) for key in keys], probabilities, names, weights)


@contextmanager
def writing(path: Path, label_names: Sequence[str]) -> Iterator[Writer]:
    """Give a ``Writer``; the file appears whole at the end, or not at all."""
    with classifier_csv.writing(path, label_names, labels=True, weights=True) as table:
        yield Writer(table, label_names)


@dataclass(frozen=True, eq=False)
class Outputs:
    """What a model said about each crop of a split, read back.

    Attributes:
        keys: (n,) paths of the crops.
        labels: (n,) true labels, positions in ``label_names``.
        weights: (n,) float64.
        probabilities: (n, C) float32.
        label_names: C names, in the order of the columns.
    """

    keys: tuple[str, ...]
    labels: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float32]
    label_names: tuple[str, ...]


def read(path: Path) -> Outputs:
    """Read an ``outputs_{split}.csv.gz`` (or ``.csv``) whole.

    Raises:
        UserError: if there is no such file.
        FormatError: if it is not such a table, or a row's label is not among the columns.
    """
    with classifier_csv.reading(path) as table:
        names = table.label_names
        if not (table.has_labels and table.has_weights and names):
            raise FormatError(path, "line 1", "expected path,label,weight,LABELS...")
        parts = list(table)
    position = {name: i for i, name in enumerate(names)}
    keys = tuple(key for part in parts for key in part.paths)
    labels = [label for part in parts for label in part.labels or ()]
    if unknown := [i for i, label in enumerate(labels) if label not in position]:
        place = f"row {unknown[0] + 1}"
        raise FormatError(path, place, f"the label {labels[unknown[0]]!r} has no column")
    weights = [part.weights for part in parts if part.weights is not None]
    return Outputs(
        keys,
        np.array([position[label] for label in labels], np.int32),
        np.concatenate([np.zeros(0), *weights]),
        np.concatenate([np.zeros((0, len(names))), *(p.probabilities for p in parts)]).astype(
            np.float32
        ),
        names,
    )


def write_overall_metrics(path: Path, by_split: Mapping[str, Mapping[str, float]]) -> None:
    """Write ``overall_metrics.csv`` from each split's ``Tally.scores``."""
    columns = (*METRICS, *METRICS_WEIGHTED)
    rows = [[split, *(row[name] for name in columns)] for split, row in by_split.items()]
    _write_table(path, ("split", *columns), rows)


def write_label_stats(
    path: Path, confusions: Mapping[str, npt.NDArray[np.int64]], label_names: Sequence[str]
) -> None:
    """Write ``label_stats.csv`` from each split's confusion matrix."""
    rows: list[list[object]] = []
    for split, confusion in confusions.items():
        counts = metrics.counts(confusion)
        precision, recall = np.nan_to_num(metrics.precision(counts)), metrics.recall(counts)
        for name, p, r in zip(label_names, precision.tolist(), recall.tolist(), strict=True):
            rows.append([split, name, p, r if r == r else ""])
    _write_table(path, ("split", "label", "precision", "recall"), rows)


def write_confusion_matrices(path: Path, confusions: Mapping[str, npt.NDArray[np.int64]]) -> None:
    """Write ``confusion_matrices.npz``; numpy sets no time in it."""
    with files.replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **dict(confusions))


def _write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    files.write_text(path, text.getvalue())
