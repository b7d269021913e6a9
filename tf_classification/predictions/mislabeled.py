"""Pictures that are perhaps mislabeled: the classifier is surer of another label by a margin.

    outputs_test.csv.gz -> mislabeled_candidates_test_caltech.txt, a picture in each line

One list for each split and dataset that has candidates.  Lists of an earlier run for datasets that
have none now are removed.
"""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from database_tools.core.errors import FormatError, UserError
from database_tools.core.names import CropName
from database_tools.durable import files
from database_tools.formats import classifier_csv
from database_tools.formats.candidates_csv import Candidate
from database_tools.formats.classifier_csv import Rows

log = logging.getLogger(__name__)

_LIST = re.compile(r"mislabeled_candidates_(?P<split>[^_]+)_(?P<dataset>.+)\.txt")


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
        columns = {name: i for i, name in enumerate(table.label_names)}
        for rows in table:
            for crop in _doubted(path, rows, columns, margin):
                dataset, file = _picture(path, crop)
                found[dataset].add(file)
    return {dataset: sorted(found[dataset]) for dataset in sorted(found)}


def _doubted(path: Path, rows: Rows, columns: Mapping[str, int], margin: float) -> list[str]:
    if not rows.paths:
        return []
    true = _true(path, rows, columns)
    every = np.arange(len(true))
    predicted = rows.probabilities.argmax(axis=1)
    sure = rows.probabilities[every, predicted] >= rows.probabilities[every, true] + margin
    # At a margin of 0 a right prediction is as sure as itself.
    return [rows.paths[i] for i in np.flatnonzero(sure & (predicted != true))]


def _true(path: Path, rows: Rows, columns: Mapping[str, int]) -> np.ndarray:
    """Return the (n,) columns of the true labels."""
    if (labels := rows.labels) is None:
        raise FormatError(path, "line 1", "no column of true labels, as evaluate_model.py has")
    if unknown := [i for i, label in enumerate(labels) if label not in columns]:
        rule = f"no column for the true label {labels[unknown[0]]!r}"
        raise FormatError(path, rows.paths[unknown[0]], rule)
    return np.array([columns[label] for label in labels])


def _picture(path: Path, crop: str) -> tuple[str, str]:
    with FormatError.at(path, "path"):
        dataset, _, file = CropName.parse(crop).image.partition("/")
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


def listed(path: Path) -> list[Candidate]:
    """Read a list that ``write_lists`` wrote, and what its split's table says of its pictures.

    Returns:
        All crops of the listed pictures, those with the largest margins first.

    Raises:
        UserError: if there is no such file, or no table of predictions beside it.
        FormatError: for a file that is called otherwise, or a picture that the table lacks.
    """
    if (parts := _LIST.fullmatch(path.name)) is None:
        rule = "no table of candidates is called mislabeled_candidates_<split>_<dataset>.txt"
        raise FormatError(path, "", f"{rule}, or .csv")
    table = outputs(path.parent, parts["split"])
    lines = [line for line in files.read_text(path).splitlines() if line]
    wanted = {name for line in lines for name in (line, f"{parts['dataset']}/{line}")}
    found: defaultdict[str, list[Candidate]] = defaultdict(list)
    for crop in _predicted(table):
        if crop.image in wanted:
            found[crop.image].append(crop)
    crops = []
    for line in lines:
        whole = f"{parts['dataset']}/{line}"
        name = whole if whole in found else line
        if name not in found:
            raise FormatError(path, line, f"no crop of it in {table}")
        crops += found[name]
    return sorted(crops, key=lambda crop: -crop.margin)


def _predicted(path: Path) -> Iterator[Candidate]:
    with classifier_csv.reading(path) as table:
        columns = {name: i for i, name in enumerate(table.label_names)}
        for rows in table:
            _true(path, rows, columns)
            for crop, label, shares in zip(
                rows.paths, rows.labels or (), rows.probabilities.tolist(), strict=True
            ):
                dataset, file = _picture(path, crop)
                most = max(shares)
                margin = most - shares[columns[label]]
                taken, name = table.label_names[shares.index(most)], f"{dataset}/{file}"
                yield Candidate(crop, name, dataset, "", label, taken, most, margin, margin, "")
