"""Which embeddings a head learns from: the crops of a dataset, or those that an expert answered."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Ledger
from database_tools.formats import answers_csv, ledger_json
from database_tools.formats.answers_csv import Answer
from tf_classification.data.examples import Dataset, Examples, Rows
from tf_classification.data.readers import RecordReader
from tf_classification.embeddings import store
from tf_classification.embeddings.index import Embeddings

STAGE = "train_head"
NO_LABEL = "answered without a label"


def rows(found: Embeddings, examples: Examples, source: Path) -> Rows:
    """Return the rows of a split's crops, -1 for one that could not be read.

    Raises:
        UserError: if a crop is there that ``embed_crops.py`` was never asked about.
    """
    names = _names(examples)
    there = found.rows(names)
    missing = [names[i] for i in np.flatnonzero(there < 0)]
    if missing:
        ledger = ledger_json.read(ledger_json.path_in(found.folder, store.STAGE))
        broken = {name for lost in ledger.dropped.values() for name in lost}
        if new := [name for name in missing if name not in broken]:
            rule = f"has no embedding, as {len(new):,} of {len(names):,}"
            raise FormatError(source, new[0], f"{rule}: run embed_crops.py on these crops")
    return there


def _names(examples: Examples) -> list[str]:
    """Return what embeddings call the crops: as ``predictor.sources`` does."""
    reader = examples.reader
    if not isinstance(reader, RecordReader):
        return [str(key) for key in examples.keys]
    places = zip(reader.shard.tolist(), reader.offset.tolist(), strict=True)
    return [f"{reader.shards[shard].name}:{offset}" for shard, offset in places]


def check(dataset: Dataset, counts: npt.NDArray[np.integer], source: Path) -> None:
    """Refuse a dataset that nothing can be learnt from, by (L,) crops of each label that can be.

    Raises:
        UserError: naming a label without a crop, or if there are too few labels.
    """
    if dataset.num_labels < 2 or (counts > 0).sum() < 2:
        names = ", ".join(dataset.label_names) or "none"
        raise UserError(f"{source}: a classifier needs crops of 2 labels to learn from: {names}")
    missing = np.setdiff1d(np.flatnonzero(counts == 0), dataset.empty_labels)
    if len(missing):
        name = dataset.label_names[int(missing[0])]
        rule = f"no crop of the label {name!r} can be learnt from: all of them are broken"
        raise FormatError(source, "train", f"{rule}; --min-crops 1 does not count them")


def answered(path: Path, found: Embeddings) -> Dataset:
    """Make a dataset of an expert's answers: train has them all, val and test have none.

    Raises:
        UserError: if there is no answer, or a crop without embedding.
    """
    answers = answers_csv.read(path)
    labelled = [answer for answer in answers if answer.is_label]
    if not labelled:
        raise UserError(f"{path}: no crop with a label")
    names = tuple(sorted({answer.label for answer in labelled}))
    places = sorted({answer.location for answer in labelled})
    examples = _examples(labelled, names, places, found)
    rest = [answer.path for answer in answers if not answer.is_label]
    dropped = {NO_LABEL: rest} if rest else {}
    ledger = Ledger(STAGE, len(answers), len(labelled), dropped)
    none = examples.select(np.zeros(len(examples), bool))
    splits = {"train": examples, "val": none, "test": none}
    located = tuple(("", place) for place in places)
    return Dataset(names, located, splits, ledger, crop_recipe=found.facts.crop_recipe)


def _examples(
    labelled: Sequence[Answer], names: Sequence[str], places: Sequence[str], found: Embeddings
) -> Examples:
    keys = np.array([answer.path for answer in labelled], np.dtypes.StringDType())
    label = {name: i for i, name in enumerate(names)}
    place = {name: i for i, name in enumerate(places)}
    there = found.rows(keys.tolist())
    sure = np.where(there < 0, 1, np.nan_to_num(found.crops.confidences[there], nan=1.0))

    def pictures(rows: Rows) -> list[bytes]:
        crops = (found.encoded(int(there[row])) if there[row] >= 0 else "" for row in rows)
        return [crop if isinstance(crop, bytes) else b"" for crop in crops]

    return Examples(
        keys,
        np.array([label[answer.label] for answer in labelled], np.int32),
        np.array([place[answer.location] for answer in labelled], np.int32),
        sure.astype(np.float32),
        pictures,
    )
