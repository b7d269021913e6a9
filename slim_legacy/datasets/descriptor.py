"""What every dataset descriptor shares: from its two constants to the records of a split.

A folder of records holds shards ``train-00000``, ``train-00001-of-00008`` ..., ``test-...`` of
tf.train.Examples with ``image/encoded`` (JPEG or PNG) and ``image/class/label``, and perhaps
``labels.txt`` with lines ``17:red fox``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files

FILE_PATTERN = "%s-*"
LABELS = "labels.txt"
ITEMS_TO_DESCRIPTIONS = {
    "image": "A color image of varying size.",
    "label": "A single integer between 0 and the number of classes - 1.",
}


@dataclass(frozen=True)
class Dataset:
    """One split of a dataset.

    Attributes:
        data_sources: the shards, sorted; at least one.
        num_samples: records as the descriptor says; sets when the learning rate falls.
        num_classes: all classes, the empty ones included.
        labels_to_names: from ``labels.txt``; None without it.
        items_to_descriptions: what an example has, for people.
    """

    data_sources: tuple[Path, ...]
    num_samples: int
    num_classes: int
    labels_to_names: dict[int, str] | None
    items_to_descriptions: Mapping[str, str]


GetSplit = Callable[..., Dataset]


def splits(sizes: Mapping[str, int], num_classes: int) -> GetSplit:
    """Return the ``get_split(split_name, dataset_dir, file_pattern=None)`` of a descriptor."""
    return functools.partial(get_split, sizes, num_classes)


def get_split(
    sizes: Mapping[str, int],
    num_classes: int,
    split_name: str,
    dataset_dir: str | Path,
    file_pattern: str | None = None,
) -> Dataset:
    """Find the records of a split.

    Raises:
        UserError: if the split is not one of ``sizes``, or has no shard.
    """
    if split_name not in sizes:
        raise UserError(
            f"split name {split_name} was not recognized. The splits are {', '.join(sizes)}"
        )
    pattern = (file_pattern or FILE_PATTERN) % split_name
    sources = tuple(sorted(f for f in Path(dataset_dir).glob(pattern) if f.is_file()))
    if not sources:
        raise UserError(f"{dataset_dir}: no records {pattern}")
    names = read_labels(Path(dataset_dir) / LABELS)
    return Dataset(sources, sizes[split_name], num_classes, names, ITEMS_TO_DESCRIPTIONS)


def read_labels(path: Path) -> dict[int, str] | None:
    """Read ``<number>:<name>`` lines; None if there is no such file."""
    if not path.is_file():
        return None
    names = {}
    for i, line in enumerate(files.read_text(path).split("\n"), start=1):
        number, colon, name = line.partition(":")
        if line and not (colon and number.strip().isdecimal()):
            raise FormatError(path, f"line {i}", f"expected <number>:<name>, got {line!r}")
        if line:
            names[int(number)] = name
    return names
