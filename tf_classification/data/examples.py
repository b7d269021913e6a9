"""A dataset in memory: columns that describe the crops, never their pixels.

Millions of crops fit: a row costs its key's text and 40 bytes.  The pixels are read when a
batch needs them, through the split's reader.

``directory.load(dataset_dir, crops_dir)`` makes one from the README's three files and a folder
of crops, ``tfrecords.load(folder, val_fraction=, seed=)`` from what
``make_classification_dataset.py`` wrote.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Ledger
from tf_classification.data import picture_size

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
    """

    label_names: tuple[str, ...]
    locations: tuple[tuple[str, str], ...]
    splits: Mapping[str, Examples]
    ledger: Ledger
    empty_labels: tuple[int, ...] = field(default=())

    @property
    def num_labels(self) -> int:
        """Number of the classifier's outputs."""
        return len(self.label_names)


def require_training_crops(dataset: Dataset, source: Path) -> None:
    """Raise FormatError if a label has no crop to train on and is not known to be empty.

    Such a label could not be learned, and every crop of it would count as a mistake.
    """
    counts = dataset.splits["train"].counts(dataset.num_labels)
    counts[list(dataset.empty_labels)] = 1
    if missing := [dataset.label_names[i] for i in np.flatnonzero(counts == 0)]:
        listed = ", ".join(repr(name) for name in missing[:5])
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        raise FormatError(source, "train", f"no crop of the label(s) {listed}{more} to train on")


def require_pictures(dataset: Dataset, source: Path) -> None:
    """Raise UserError if not one of a hundred training crops begins like a picture.

    Some bad files are left out and counted while training runs.  If all are bad (stand-ins of a
    version control system, a wrong folder), that would be a training on nothing.
    """
    train = dataset.splits["train"]
    rows = np.unique(np.linspace(0, len(train) - 1, _LOOKED_AT).astype(np.int64))
    if not picture_size.read_all(train.reader(rows)).any():
        name = train.keys[rows[0]]
        raise UserError(f"{source}: none of {len(rows)} crops looked at is a picture, e.g. {name}")


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
