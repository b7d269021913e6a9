"""A dataset in memory: columns that describe the crops, never their pixels.

Millions of crops fit: a row costs its key's text and 40 bytes.  The pixels are read when a
batch needs them, through the split's reader.

``directory.load(dataset_dir, crops_dir)`` makes one from the README's three files and a folder
of crops, ``tfrecords.load(folder, val_fraction=, seed=)`` and ``coco_folder.load`` from what
``make_classification_dataset.py`` wrote.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError, UserError, few
from database_tools.core.ledger import Ledger
from database_tools.core.taxa import Taxonomy
from tf_classification.data import picture_size

LEFT_OUT = "label that is left out"
_LOOKED_AT = 100

Rows = npt.NDArray[np.int64]
Keys = npt.NDArray[np.str_]


class Reader(Protocol):
    """Where the encoded pictures of one split are."""

    def __call__(self, rows: Rows) -> list[bytes]:
        """Return the encoded pictures of these rows; b"" for one that cannot be read.

        Called from several threads at a time.
        """


@dataclass(frozen=True, eq=False)
class Examples:
    """The n crops of one split, one row each; n may be 0.

    Attributes:
        keys: (n,) text (``numpy.dtypes.StringDType``), what a person calls the crop: its path
            below the crops' folder, or the record's ``image/filename``.
        labels: (n,) int32, position in ``Dataset.label_names``.
        locations: (n,) int32, position in ``Dataset.locations``.
        confidences: (n,) float32 in [0, 1], the detector's; 1 for a box drawn by hand.
        reader: gives the encoded pictures.
    """

    keys: Keys
    labels: npt.NDArray[np.int32]
    locations: npt.NDArray[np.int32]
    confidences: npt.NDArray[np.float32]
    reader: Reader

    def __post_init__(self) -> None:
        columns = (self.keys, self.labels, self.locations, self.confidences)
        if len({len(column) for column in columns}) != 1:
            raise ValueError(f"columns of different lengths: {[len(c) for c in columns]}")

    def __len__(self) -> int:
        return len(self.keys)

    def counts(self, num_labels: int) -> npt.NDArray[np.int64]:
        """Return the number of crops of each label, (num_labels,)."""
        return np.bincount(self.labels, minlength=num_labels)

    def select(self, chosen: npt.NDArray[np.bool_]) -> Examples:
        """Return the crops where ``chosen``, (n,), is true."""
        places = np.flatnonzero(chosen)
        # A reader that knows where its crops are stays one.
        own = getattr(self.reader, "select", None)
        return Examples(
            self.keys[chosen],
            self.labels[chosen],
            self.locations[chosen],
            self.confidences[chosen],
            own(chosen) if own else lambda rows: self.reader(places[rows]),
        )


@dataclass(frozen=True, eq=False)
class Dataset:
    """What a classifier is trained and evaluated on.

    Attributes:
        label_names: the classifier's outputs, in order.
        locations: (dataset, location) of each location number.
        splits: "train", "val" and "test", each of which may have no rows.
        ledger: rows of the input that are in no split, with the reasons.
        empty_labels: labels that are known to have no crop anywhere (``dataset_info.json``
            counts 0); they keep their output and are never drawn.
        crop_recipe: how the crops were made; None if nobody knows.
        taxonomy: what the labels stand for; None if nobody says.
    """

    label_names: tuple[str, ...]
    locations: tuple[tuple[str, str], ...]
    splits: Mapping[str, Examples]
    ledger: Ledger
    empty_labels: tuple[int, ...] = field(default=())
    crop_recipe: CropRecipe | None = None
    taxonomy: Taxonomy | None = None

    @property
    def num_labels(self) -> int:
        """Number of the classifier's outputs."""
        return len(self.label_names)


def keep_labels(dataset: Dataset, names: Collection[str]) -> Dataset:
    """Return the dataset without the other labels; those that stay keep their order.

    The crops of the others are counted in the ledger.
    """
    kept = [i for i, name in enumerate(dataset.label_names) if name in names]
    if len(kept) == dataset.num_labels:
        return dataset
    number = np.full(dataset.num_labels, -1, np.int32)
    number[kept] = np.arange(len(kept))
    splits, lost = {}, []
    for split, examples in dataset.splits.items():
        stay = number[examples.labels] >= 0
        lost += examples.keys[~stay].tolist()
        part = examples.select(stay)
        splits[split] = replace(part, labels=number[part.labels])
    dropped = {**dataset.ledger.dropped, **({LEFT_OUT: lost} if lost else {})}
    ledger = replace(dataset.ledger, kept=dataset.ledger.kept - len(lost), dropped=dropped)
    empty = tuple(int(number[i]) for i in dataset.empty_labels if i in kept)
    kept_names = tuple(dataset.label_names[i] for i in kept)
    return replace(
        dataset, label_names=kept_names, splits=splits, ledger=ledger, empty_labels=empty
    )


def require_training_crops(dataset: Dataset, source: Path) -> None:
    """Raise FormatError if a label has no crop to train on and is not known to be empty.

    Such a label could not be learned, and every crop of it would count as a mistake.
    """
    counts = {s: e.counts(dataset.num_labels) for s, e in dataset.splits.items()}
    missing = np.flatnonzero(counts["train"] == 0)
    missing = np.setdiff1d(missing, dataset.empty_labels)
    if len(missing):
        listed = few([repr(dataset.label_names[i]) for i in missing])
        where = " and ".join(
            f"{c[missing].sum()} in {split}" for split, c in counts.items() if c[missing].sum()
        )
        rule = f"no crop of the label(s) {listed} to train on ({where or 'none at all'})"
        advice = "--min-crops 1 leaves them out; or build the dataset again without them"
        advice += " (--exclude_categories), or with other splits (--every_label_in_train)"
        raise FormatError(source, "train", f"{rule}: {advice}")


def require_pictures(dataset: Dataset, source: Path) -> None:
    """Raise UserError if not one crop of a label, or of all, begins like a picture.

    Some bad files are left out and counted while training runs.  If all are bad (stand-ins of a
    version control system, a wrong folder), that would be a training on nothing.  A few crops of
    each label are looked at, and all of a label where those are bad.
    """
    train = dataset.splits["train"]
    rows = _spread(np.arange(len(train)), _LOOKED_AT)
    if len(train) and not _any_picture(train, rows):
        name = train.keys[rows[0]]
        raise UserError(f"{source}: none of {len(rows)} crops looked at is a picture, e.g. {name}")
    order = np.argsort(train.labels, kind="stable")
    for rows in np.split(order, np.cumsum(train.counts(dataset.num_labels))[:-1]):
        if len(rows) and not (_any_picture(train, _spread(rows, 3)) or _any_picture(train, rows)):
            label, name = dataset.label_names[train.labels[rows[0]]], train.keys[rows[0]]
            rule = f"none of the {len(rows)} crops of the label {label!r} to train on is a picture"
            raise UserError(f"{source}: {rule}, e.g. {name}")


def _spread(rows: Rows, number: int) -> Rows:
    """Return about so many of the rows, evenly spread; none of none."""
    if not len(rows):
        return rows
    return rows[np.unique(np.linspace(0, len(rows) - 1, number).astype(np.int64))]


def _any_picture(examples: Examples, rows: Rows) -> bool:
    return any(
        picture_size.read_all(examples.reader(rows[start : start + _LOOKED_AT])).any()
        for start in range(0, len(rows), _LOOKED_AT)
    )


class Columns:
    """Collects rows into compact columns, for tables of millions."""

    _CHUNK = 100_000

    def __init__(self) -> None:
        self._recent: list[str] = []
        self._chunks: list[Keys] = []
        self._labels = array("i")
        self._locations = array("i")
        self._confidences = array("f")

    def add(self, key: str, label: int, location: int, confidence: float) -> None:
        """Append a row."""
        self._recent.append(key)
        self._labels.append(label)
        self._locations.append(location)
        self._confidences.append(confidence)
        if len(self._recent) == self._CHUNK:
            self._pack()

    def _pack(self) -> None:
        self._chunks.append(np.array(self._recent, np.dtypes.StringDType()))
        self._recent = []

    def close(self, reader_of: Callable[[Keys], Reader]) -> Examples:
        """Return the rows, with the reader that ``reader_of`` makes from their keys."""
        self._pack()
        keys = np.concatenate(self._chunks)
        return Examples(
            keys,
            np.array(self._labels, np.int32),
            np.array(self._locations, np.int32),
            np.array(self._confidences, np.float32),
            reader_of(keys),
        )
