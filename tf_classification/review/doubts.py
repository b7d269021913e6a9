"""Pictures whose labels are perhaps wrong, with all that helps to decide what they show.

Lists of ``find_mislabeled.py`` or ``identify_mislabeled_candidates.py`` name crops; the dataset's
``classification_ds.csv`` has the other crops of their pictures and of their bursts, and says what
class its source gave each; the label database knows bursts, and classes that no crop has.
"""

from __future__ import annotations

import contextlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from database_tools.core.errors import FormatError
from database_tools.core.names import picture_of
from database_tools.core.people import is_people
from database_tools.formats import candidates_csv, classification_csv
from database_tools.formats.candidates_csv import Candidate
from database_tools.formats.classification_csv import Crop
from database_tools.labels_db import asked, queries
from database_tools.labels_db.database import LabelDatabase
from database_tools.labels_db.query_config import QueryConfig
from tf_classification.predictions import mislabeled

_NEIGHBOURS = 4

Choices = dict[str, list[tuple[str, str]]]
"""Dataset to its classes, the commonest first, each with its labels by commas, "" for none."""


@dataclass(frozen=True)
class Doubt:
    """A picture.

    Attributes:
        name: ``<dataset>/<file>``.
        crops: all that the dataset has of it.
        burst: crops of its burst's other pictures, the nearest ones.
        said: crop to what was found out of it, where something was.
    """

    name: str
    crops: tuple[Crop, ...]
    burst: tuple[Crop, ...]
    said: dict[str, Candidate]

    @property
    def worst(self) -> Candidate:
        """The candidate that brought it here: the first of its crops in the lists."""
        return next(iter(self.said.values()))

    @property
    def label(self) -> str:
        """Of the classifier; several are separated by commas."""
        return ",".join(self.crops[0].labels)

    @property
    def own_class(self) -> str:
        """What its source says that it shows."""
        return class_of(self.crops[0])

    @property
    def shows_people(self) -> bool:
        """Whether anything says that it does."""
        return any(map(self.is_of_people, self.crops))

    def is_of_people(self, crop: Crop) -> bool:
        """Whether anything says so of one of its crops, or of its burst's."""
        said = self.said.get(crop.path)
        names = (",".join(crop.labels), class_of(crop), said.predicted if said else "")
        return any(map(is_people, names))


def class_of(crop: Crop) -> str:
    """Return the class that a crop's source gave it; its label if the table does not say."""
    return crop.dataset_class or ",".join(crop.labels)


@dataclass
class _Table:
    """What ``classification_ds.csv`` says."""

    crops: defaultdict[str, list[Crop]] = field(default_factory=lambda: defaultdict(list))
    classes: defaultdict[str, Counter[tuple[str, str]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )


def read(
    dataset: Path, lists: Sequence[Path], config: QueryConfig | None, most: int | None
) -> tuple[list[Doubt], Choices]:
    """Read lists and what is known of their pictures.

    Args:
        dataset: folder of ``classification_ds.csv``.
        lists: of candidates, of either command.
        config: label specification, taxonomy and database, which know all classes and the bursts;
            None if only the dataset does.
        most: pictures, the first ones; None for all.

    Raises:
        UserError: if a file is missing, breaks its format, or has a picture that the dataset
            has not.
    """
    rows: dict[str, dict[str, Candidate]] = {}
    for path in lists:
        found = mislabeled.listed(path) if path.suffix == ".txt" else candidates_csv.read(path)
        for row in found:
            rows.setdefault(row.image, {}).setdefault(row.path, row)
    names = list(rows)[:most]
    bursts = {name: _neighbours(name, rows[name].values()) for name in names}
    with contextlib.ExitStack() as stack:
        labels = None
        if config is not None:
            datasets = {name.partition("/")[0] for name in names}
            needed = asked.opened(config.db, lambda dataset: None if dataset in datasets else ())
            labels = stack.enter_context(needed)
            bursts = {name: bursts[name] or found for name, found in _bursts(labels, names).items()}
        table = _table(dataset, {*names, *(other for burst in bursts.values() for other in burst)})
        choices = _choices(table, config, labels)
    for name in names:
        if name not in table.crops:
            where = dataset / classification_csv.NAME
            raise FormatError(where, name, "no crop of it, but it is in a list of candidates")
    said = {path: row for name in names for path, row in rows[name].items()}
    doubts = [
        Doubt(
            name,
            tuple(table.crops[name]),
            tuple(crop for other in bursts[name] for crop in table.crops[other]),
            {**rows[name], **{c.path: said[c.path] for c in _of(bursts[name], table, said)}},
        )
        for name in names
    ]
    return doubts, choices


def _of(names: Iterable[str], table: _Table, said: dict[str, Candidate]) -> list[Crop]:
    return [crop for name in names for crop in table.crops[name] if crop.path in said]


def _neighbours(name: str, rows: Iterable[Candidate]) -> list[str]:
    """Return the pictures of a burst that the list itself tells, but the one asked about."""
    others = sorted({picture_of(path) for row in rows for path in row.burst} - {name})
    return _nearest(sorted([*others, name]), name)


def _nearest(burst: Sequence[str], name: str) -> list[str]:
    """Return those of a burst, in order, that are around one of it."""
    at = burst.index(name)
    start = max(0, min(at - _NEIGHBOURS // 2, len(burst) - _NEIGHBOURS - 1))
    return [other for other in burst[start : start + _NEIGHBOURS + 1] if other != name]


def _bursts(labels: LabelDatabase, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the neighbours of each picture, as the label database knows them."""
    wanted, of_sequence = set(names), defaultdict[tuple[str, str], list[str]](list)
    sequence_of: dict[str, tuple[str, str]] = {}
    for dataset in sorted({name.partition("/")[0] for name in names} & set(labels.datasets())):
        for file, sequence, *_ in labels.shots(dataset):
            if sequence is not None and f"{dataset}/{file}" in wanted:
                sequence_of[f"{dataset}/{file}"] = dataset, sequence
        known = set(sequence_of.values())
        for file, sequence, *_ in labels.shots(dataset):
            if sequence is not None and (dataset, sequence) in known:
                of_sequence[dataset, sequence].append(f"{dataset}/{file}")
    return {
        name: _nearest(sorted(of_sequence[sequence_of[name]]), name) if name in sequence_of else []
        for name in names
    }


def _table(dataset: Path, wanted: set[str]) -> _Table:
    table = _Table()
    for crop in classification_csv.read(dataset / classification_csv.NAME):
        table.classes[crop.dataset][class_of(crop), ",".join(crop.labels)] += 1
        if (name := picture_of(crop.path)) in wanted:
            table.crops[name].append(crop)
    return table


def _choices(table: _Table, config: QueryConfig | None, labels: LabelDatabase | None) -> Choices:
    found: Choices = {
        dataset: list(dict(kind for kind, _ in reversed(classes.most_common())).items())[::-1]
        for dataset, classes in table.classes.items()
    }
    if config is None or labels is None:
        return found
    wanted = queries.wanted(queries.read(config)[2], labels)
    for dataset in set(found) & set(labels.datasets()):
        of_class = wanted.get(dataset, {})
        names = dict.fromkeys(
            (*(name for name, _ in found[dataset]), *of_class, *labels.classes(dataset))
        )
        found[dataset] = [(name, ",".join(of_class.get(name, ()))) for name in names]
    return found
