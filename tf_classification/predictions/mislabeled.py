"""Pictures that are perhaps mislabeled: the classifier is surer of another label by a margin.

    outputs_test.csv.gz -> mislabeled_candidates_test_caltech.txt, a picture in each line

One list for each split and dataset that has candidates.  Lists of an earlier run for datasets that
have none now are removed.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from database_tools.core.errors import FormatError, UserError
from database_tools.core.names import CropName
from database_tools.durable import files
from database_tools.formats import classifier_csv
from database_tools.formats.classifier_csv import Rows

log = logging.getLogger(__name__)


def outputs(folder: Path, split: str) -> Path:
    """Return where the predictions of a split lie in the folder of a training run."""
    return folder / f"outputs_{split}.csv.gz"


def splits_of(folder: Path) -> list[str]:
    """Return the splits that a folder has predictions of, in alphabetical order.

    Raises:
        UserError: if there is none.
    """
    names = sorted(path.name for path in folder.glob("outputs_*.csv.gz"))
    if not names:
        raise UserError(f"{folder}: no outputs_SPLIT.csv.gz; evaluate_model.py writes them")
    return [name.removeprefix("outputs_").removesuffix(".csv.gz") for name in names]


def candidates(path: Path, margin: float) -> dict[str, list[str]]:
    """Find the pictures of which a crop is predicted otherwise, by at least a margin.

    Args:
        path: table of predictions with true labels.
        margin: least probability of the predicted label above that of the true one.

    Returns:
        Dataset to its pictures' paths in it, both sorted; datasets without any are not there.

    Raises:
        FormatError: if the table has no true labels, or a crop's name has no dataset.
    """
    found: defaultdict[str, set[str]] = defaultdict(set)
    with classifier_csv.reading(path) as table:
        if not table.has_labels:
            raise FormatError(path, "line 1", "no column of true labels, as evaluate_model.py has")
        columns = {name: i for i, name in enumerate(table.label_names)}
        for rows in table:
            for crop in _doubted(path, rows, columns, margin):
                dataset, file = _picture(path, crop)
                found[dataset].add(file)
    return {dataset: sorted(found[dataset]) for dataset in sorted(found)}


def _doubted(path: Path, rows: Rows, columns: Mapping[str, int], margin: float) -> list[str]:
    labels = rows.labels or []
    if unknown := [i for i, label in enumerate(labels) if label not in columns]:
        rule = f"no column for the true label {labels[unknown[0]]!r}"
        raise FormatError(path, rows.paths[unknown[0]], rule)
    if not rows.paths:
        return []
    true = np.array([columns[label] for label in labels])
    every = np.arange(len(true))
    predicted = rows.probabilities.argmax(axis=1)
    sure = rows.probabilities[every, predicted] >= rows.probabilities[every, true] + margin
    # At a margin of 0 a right prediction is as sure as itself.
    return [rows.paths[i] for i in np.flatnonzero(sure & (predicted != true))]


def _picture(path: Path, crop: str) -> tuple[str, str]:
    try:
        dataset, _, file = CropName.parse(crop).image.partition("/")
    except ValueError as error:
        raise FormatError(path, "path", str(error)) from None
    if not file:
        raise FormatError(path, "path", f"{crop!r} is not <dataset>/<file>")
    return dataset, file


def write_lists(
    folder: Path, splits: Sequence[str], margin: float, *, with_dataset: bool = False
) -> None:
    """Write the lists into ``folder``, and print how many candidates each dataset has.

    Args:
        folder: of a training run, with ``outputs_{split}.csv.gz``.
        splits: some; none for all that are there.
        margin: in [0, 1].
        with_dataset: write ``<dataset>/<file>``, as ``download_images.py`` wants.
    """
    if not 0 <= margin <= 1:
        raise UserError(f"--margin must be in [0, 1], got {margin}")
    for split in splits or splits_of(folder):
        found = candidates(outputs(folder, split), margin)
        start = f"mislabeled_candidates_{split}_"
        for stale in folder.glob(f"{start}*.txt"):
            if stale.name[len(start) : -len(".txt")] not in found:
                stale.unlink()
        for dataset, names in found.items():
            lines = (f"{dataset}/{name}\n" if with_dataset else f"{name}\n" for name in names)
            files.write_text(folder / f"{start}{dataset}.txt", "".join(lines))
            print(f"{dataset} contains {len(names)} mislabeled candidates.")
        if not found:
            log.info("%s: no mislabeled candidates", split)
