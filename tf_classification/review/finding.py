"""``find_mislabeled.py``: labels that are perhaps wrong, the likeliest first.

CANDIDATES.csv     see ``formats.candidates_csv``
CANDIDATES.txt     their pictures, ``<dataset>/<file>``, each once, as ``download_images.py`` takes
CANDIDATES.html    the first of them, each beside the training crops that it is likest
find_mislabeled_ledger.json
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from database_tools.core import split_leaks
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Drops
from database_tools.core.names import picture_of
from database_tools.datasets.looks import Progress
from database_tools.durable import files
from database_tools.formats import candidates_csv, classifier_csv, ledger_json
from database_tools.formats.candidates_csv import Candidate
from tf_classification.heads import course, doubts, held_out, nearest
from tf_classification.heads.course import Course
from tf_classification.heads.doubts import Doubts, Floats
from tf_classification.heads.held_out import Crops
from tf_classification.heads.nearest import Case, Known
from tf_classification.review import witnesses
from tf_classification.review.requests import FindRequest

log = logging.getLogger(__name__)

STAGE = "find_mislabeled"
BROKEN, ALONE, UNASKED = "no embedding", "label at one location only", "in none of --outputs"
SHOWN = 200
"""Crops on the page."""

_SMALLEST = 1e-9
_NOTE = (
    "Each crop has a label that is perhaps wrong, the surest first; beside it are the crops of "
    "other locations that look likest to a classifier, with their labels. The CSV beside this page "
    "has all of them; review_mislabeled makes pages of it to decide on. People are not shown."
)


@dataclass(frozen=True, eq=False)
class _Table:
    """The crops of all splits that have embeddings; labels and places are numbers."""

    names: list[str]
    crops: Crops
    pictures: list[str]


def run(asked: FindRequest, progress: Progress) -> int:
    """Do what the command is asked for, and return how many labels are doubted.

    Args:
        asked: the request.
        progress: is given the crops that are compared and their number, and goes through them.

    Raises:
        UserError: if files do not fit together, or nothing can be said of any label.
    """
    prepared = course.prepare(asked, training=False)
    drops = Drops()
    table = _table(prepared, drops)
    if asked.outputs:
        logs, fair = _of_models(asked.outputs, prepared.dataset.label_names, table.names)
        reason = UNASKED
    else:
        logs, fair = held_out.log_probabilities(prepared.found, table.crops, asked.seed)
        reason = ALONE
    for row in np.flatnonzero(~fair):
        drops.add(reason, table.names[row])
    total = sum(map(len, prepared.dataset.splits.values()))
    ledger = drops.close(STAGE, total, int(fair.sum()))
    if not ledger.kept:
        raise UserError(f"nothing can be said of any label: {ledger.summary()}")
    bursts = witnesses.bursts(table.pictures, asked.db, asked.input_json)
    twins = _twins(asked, table, progress)
    groups, pictures = witnesses.groups(bursts, twins), split_leaks.numbered(table.pictures)
    found = doubts.doubt(logs, table.crops.labels, groups, pictures)
    order = np.argsort(-found.odds, kind="stable")
    order = order[fair[order] & (found.scores[order] >= asked.least)]
    rows = list(_candidates(prepared, table, found, logs, bursts, twins, order))
    candidates_csv.write(asked.output, rows)
    names = dict.fromkeys(row.image for row in rows)
    files.write_text(asked.output.with_suffix(".txt"), "".join(f"{name}\n" for name in names))
    files.write_text(asked.output.with_suffix(".html"), _page(prepared, table, rows, order))
    ledger_json.write(asked.output.parent, ledger)
    if said := ledger.summary():
        log.info("%s", said)
    return len(rows)


def _table(prepared: Course, drops: Drops) -> _Table:
    dataset = prepared.dataset
    parts = [(dataset.splits[split], rows) for split, rows in prepared.rows.items()]
    for part, rows in parts:
        for row in np.flatnonzero(rows < 0):
            drops.add(BROKEN, str(part.keys[row]))
    there = [rows >= 0 for _, rows in parts]
    names = [
        str(key) for (part, _), its in zip(parts, there, strict=True) for key in part.keys[its]
    ]
    columns = (
        np.concatenate([rows[its] for (_, rows), its in zip(parts, there, strict=True)]),
        np.concatenate([part.labels[its] for (part, _), its in zip(parts, there, strict=True)]),
        np.concatenate([part.locations[its] for (part, _), its in zip(parts, there, strict=True)]),
    )
    if len(np.unique(columns[1])) < 2:
        raise UserError("a wrong label can be told where there are crops of 2 labels")
    crops = Crops(*columns, dataset.num_labels)
    return _Table(names, crops, [picture_of(name) for name in names])


def _of_models(
    paths: Sequence[Path], labels: Sequence[str], names: Sequence[str]
) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Read what models say of crops, the mean where several do; and of which any does."""
    place = {name: i for i, name in enumerate(names)}
    sums, times = np.zeros((len(names), len(labels))), np.zeros(len(names))
    for path in paths:
        with classifier_csv.reading(path) as table:
            if sorted(table.label_names) != sorted(labels):
                others = sorted(set(table.label_names) ^ set(labels))
                raise FormatError(path, "line 1", f"its labels are not the dataset's: {others[0]}")
            columns = [table.label_names.index(label) for label in labels]
            for rows in table:
                here = [i for i, name in enumerate(rows.paths) if name in place]
                at = [place[rows.paths[i]] for i in here]
                sums[at] += rows.probabilities[here][:, columns]
                times[at] += 1
    means = sums / np.maximum(times, 1)[:, None]
    return np.log(np.maximum(means, _SMALLEST)), times > 0


def _twins(asked: FindRequest, table: _Table, progress: Progress) -> npt.NDArray[np.int64]:
    folder = asked.cropped_images_dir
    if folder is None:
        log.info("not looked at: crops that are there twice; only those of a folder are compared")
        return np.full(len(table.names), -1)
    labels = table.crops.labels
    return witnesses.duplicates(folder, table.names, labels, asked.workers, progress)


def _candidates(
    prepared: Course,
    table: _Table,
    found: Doubts,
    logs: Floats,
    bursts: npt.NDArray[np.int64],
    twins: npt.NDArray[np.int64],
    order: npt.NDArray[np.int64],
) -> Iterator[Candidate]:
    names, labels = prepared.dataset.label_names, table.crops.labels
    scores = found.scores
    mates = defaultdict[int, list[int]](list)
    for i, burst in enumerate(bursts.tolist()):
        mates[burst].append(i)
    for i in order.tolist():
        own, likely, looks = int(labels[i]), int(found.likely[i]), int(logs[i].argmax())
        why = [f"looks like {names[looks]}"] if looks != own else []
        others = "its burst" if bursts[i] >= 0 else "its twin"
        if found.looks[i] not in (-1, own):
            why.append(f"{others} looks like {names[found.looks[i]]}")
        if found.labelled[i] not in (-1, own):
            why.append(f"{others} is labelled {names[found.labelled[i]]}")
        if twins[i] >= 0:
            twin = int(twins[i])
            why.append(f"the same as {table.names[twin]}, labelled {names[labels[twin]]}")
        sure, less = np.exp(logs[i, [likely, own]], dtype=np.float64).tolist()
        dataset, location = prepared.dataset.locations[table.crops.locations[i]]
        burst = [table.names[j] for j in mates[int(bursts[i])] if j != i] if bursts[i] >= 0 else []
        yield Candidate(
            table.names[i],
            table.pictures[i],
            dataset,
            location,
            names[own],
            names[likely],
            min(sure, 1.0),
            min(sure, 1.0) - min(less, 1.0),
            float(scores[i]),
            "; ".join(why) or f"less like {names[own]} than others",
            tuple(burst),
        )


def _page(
    prepared: Course, table: _Table, rows: Sequence[Candidate], order: npt.NDArray[np.int64]
) -> str:
    crops, names = table.crops, prepared.dataset.label_names
    cases = [
        Case(
            int(crops.rows[i]),
            int(crops.locations[i]),
            row.label,
            row.predicted,
            f"{row.score:.0%} sure: {row.why}",
        )
        for i, row in zip(order[:SHOWN].tolist(), rows, strict=False)
    ]
    known = Known(crops.rows, [names[label] for label in crops.labels], crops.locations)
    title = f"Labels that are perhaps wrong: {len(rows):,}"
    note = _NOTE if len(rows) <= SHOWN else f"The first {SHOWN} are here. {_NOTE}"
    return nearest.page(title, note, prepared.found, cases, known)
