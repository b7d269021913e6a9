"""The files of an evaluation, as the original tools write them.

``outputs_{split}.csv.gz``: one row for each crop, in the order of the dataset, as
``formats.classifier_csv`` has it, with labels and weights.

``overall_metrics.csv``: one row for each split; accuracies in percent::

    split,loss,loss_weighted,acc_top1,acc_top3,acc_weighted_top1,acc_weighted_top3

``label_stats.csv``: precision (0 if never predicted) and recall (empty if no crop is of the
label), in [0, 1]::

    split,label,precision,recall

``confusion_matrices.npz``: for each split an array, [i, j] = crops of label i taken for label j.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.durable import files
from database_tools.formats import csv_table
from tf_classification.evaluation import metrics

METRICS = ("loss", "loss_weighted", "acc_top1", "acc_top3")
METRICS_WEIGHTED = ("acc_weighted_top1", "acc_weighted_top3")


def file_name(split: str) -> str:
    """Name the outputs of a split."""
    return f"outputs_{split}.csv.gz"


def write_overall_metrics(path: Path, by_split: Mapping[str, Mapping[str, float]]) -> None:
    """Write ``overall_metrics.csv`` from each split's ``Tally.scores``."""
    columns = (*METRICS, *METRICS_WEIGHTED)
    with csv_table.writing(path, ("split", *columns)) as table:
        for split, row in by_split.items():
            table.writerow([split, *(row[name] for name in columns)])


def write_label_stats(
    path: Path, confusions: Mapping[str, npt.NDArray[np.int64]], label_names: Sequence[str]
) -> None:
    """Write ``label_stats.csv`` from each split's confusion matrix."""
    with csv_table.writing(path, ("split", "label", "precision", "recall")) as table:
        for split, confusion in confusions.items():
            counts = metrics.counts(confusion)
            precision, recall = np.nan_to_num(metrics.precision(counts)), metrics.recall(counts)
            for name, p, r in zip(label_names, precision.tolist(), recall.tolist(), strict=True):
                table.writerow([split, name, p, r if r == r else ""])


def write_confusion_matrices(path: Path, confusions: Mapping[str, npt.NDArray[np.int64]]) -> None:
    """Write ``confusion_matrices.npz``; numpy sets no time in it."""
    with files.replacing(path) as temporary, temporary.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **dict(confusions))
