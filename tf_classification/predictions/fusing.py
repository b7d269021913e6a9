"""``fuse_sequences.py``: what all crops of an event say together; see ``core.fusion``.

OUT/events.csv    a row for each event, see ``formats.events_csv``
...               what ``result_request`` lists: there each box has the classes of its group
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice

import numpy as np

from database_tools.core import fusion
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Ledger
from database_tools.datasets import shots
from database_tools.formats import classifier_csv, events_csv, label_index, megadetector_json
from database_tools.formats.classifier_csv import Floats
from tf_classification.evaluation import calibration
from tf_classification.predictions import merging, result_tables
from tf_classification.predictions.events import Event, Events
from tf_classification.predictions.fuse_request import FuseRequest
from tf_classification.predictions.merging import Origin
from tf_classification.predictions.result_request import LABELS, TABLE

log = logging.getLogger(__name__)

_AT_ONCE = 1000
"""Events that are written together, which takes less time."""


def run(asked: FuseRequest, progress: Callable[..., Iterator[tuple[Event, Floats]]]) -> Ledger:
    """Do what the command is asked for, and return the account of the crops.

    Raises:
        UserError: if files do not fit together, or nobody knows a picture.
        FormatError: if a file breaks its rules.
    """
    labels = result_tables.labels(asked.classification_csv)
    temperature = _temperature(asked, labels)
    events = Events(len(labels))
    _add_pictures(asked, events)
    for path, paths, rows in result_tables.rows(asked.classification_csv, labels):
        with FormatError.at(path, "path"):
            events.add_crops(paths, fusion.tempered(rows, temperature))
    number = 0
    with (
        classifier_csv.writing(asked.output_dir / TABLE, labels) as table,
        events_csv.writing(asked.events_path, labels) as write,
    ):
        fused = ((e, _fused(e, asked)) for e in events.events(asked.event_gap))
        shown = iter(progress(fused, desc="fusing"))
        while some := list(islice(shown, _AT_ONCE)):
            number += len(some)
            for event, vectors in some:
                write(_row(event, vectors))
            paths = [path for event, _ in some for path in event.paths]
            table.write(paths, np.concatenate([v for _, v in some]).astype(np.float32))
        for paths, vectors in events.strays():
            table.write(paths, vectors.astype(np.float32))
    log.info("%s events in %s", f"{number:,}", asked.events_path)
    label_index.write(asked.output_dir / LABELS, labels)
    origin = Origin(asked.classification_csv, asked.metadata(temperature))
    return merging.merge(asked.merge_request(), origin)


def _fused(event: Event, asked: FuseRequest) -> Floats:
    """Return what the crops of an event say together."""
    if len(event.vectors) < 2:
        return event.vectors
    return fusion.fuse(event.vectors, event.confidences, event.kinds, asked.rule, asked.same)


def _temperature(asked: FuseRequest, labels: Sequence[str]) -> float:
    """Return the temperature that is asked for, or is best for a table with true labels."""
    if (path := asked.calibrate_on) is None:
        return asked.temperature
    with classifier_csv.reading(path) as table:
        if set(table.label_names) != set(labels) or not table.has_labels:
            rule = "expected the same labels as the tables', and a column of true labels"
            raise FormatError(path, "line 1", rule)
        parts = list(table)
    places = {name: i for i, name in enumerate(table.label_names)}
    true = [label for part in parts for label in part.labels or ()]
    if not true or (unknown := set(true) - places.keys()):
        raise UserError(f"{path}: {min(unknown)!r} is no label" if true else f"{path}: no crop")
    logits = np.log(np.maximum(np.concatenate([part.probabilities for part in parts]), 1e-12))
    found = calibration.temperature(logits, np.array([places[label] for label in true]))
    log.info("temperature %.3f, by %s", found.temperature, path)
    return found.temperature


def _add_pictures(asked: FuseRequest, events: Events) -> None:
    """Add when and where pictures were taken, and what was detected in them."""
    look = None
    if asked.exif is not None:
        look = partial(shots.of_exif, asked.exif)
    elif asked.db is not None:
        events.add_shots(shots.of_database(asked.db))
    elif asked.input_json is not None:
        events.add_shots(shots.of_coco(asked.input_json))
    elif asked.media_csv is not None:
        events.add_shots(shots.of_media(asked.media_csv))
    events.add_pictures(megadetector_json.images(asked.detection_json), look)
    if events.alone:
        source = asked.input_json or asked.db or asked.media_csv or asked.exif
        one, other = events.examples
        said = f"{source} does not tell where and when {one!r} was taken"
        if events.alone == events.pictures:
            listed = f"; it has {other!r}" if other else ""
            raise UserError(f"{said}, nor any other picture of {asked.detection_json}{listed}")
        log.warning("WARNING: %s: %s such pictures are events alone", said, f"{events.alone:,}")


def _row(event: Event, fused: Floats) -> events_csv.Row:
    shares = None
    if len(fused):
        weights = np.maximum(event.confidences, fusion.LEAST)
        shares = (weights @ fused / weights.sum()).astype(np.float32)
    about = (event.id, event.location, event.start, event.end, event.files)
    return events_csv.Row(*about, len(fused), shares)
