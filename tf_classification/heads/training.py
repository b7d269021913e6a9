"""``train_head.py``: from embeddings and labels to a model bundle, judged as any other.

In the run's folder: ``params.json``, what ``evaluation.evaluate`` writes, the model bundle in
``bundle/1``, ``head.npz``, its last layer, and ``errors.html``: crops taken wrongly, beside the
training crops that they are likest.  What is judged is what the bundle does: it averages
over the views that were learnt from, and is asked anew where a ``.tflite`` embedded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import keras
import numpy as np

from database_tools.durable import files, locks
from tf_classification.data.examples import Dataset
from tf_classification.embeddings import backbone, store
from tf_classification.embeddings.index import Embeddings
from tf_classification.evaluation import evaluate as evaluation
from tf_classification.heads import folds, nearest, strangers
from tf_classification.heads.course import Course
from tf_classification.heads.folds import Learnt, Lesson
from tf_classification.heads.head import Head
from tf_classification.heads.request import MOST, HeadRequest
from tf_classification.models import bundle, weights
from tf_classification.models.unknown import Unknown
from tf_classification.predictor import stream
from tf_classification.predictor.stream import Logits, Progress
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs import network, run_folder
from tf_classification.runs.config import BUNDLE

log = logging.getLogger(__name__)

HEAD, ERRORS = "head.npz", "errors.html"
_SHOWN = 100
_NOTE = (
    "Crops of {} that are taken wrongly, the surest first; beside each are the training crops that "
    "look likest to the network, with their labels. Is one of these wrong, find_mislabeled finds "
    "more. People are not shown."
)


def run(asked: HeadRequest, course: Course, progress: Progress) -> Path:
    """Learn, judge and write; return the run's folder."""
    learnt, few = _learn(course, asked)
    unknown = _unknown(asked, course, learnt, few)
    logdir = _claim(asked.logdir)
    with locks.locked(logdir / run_folder.LOCK):
        log.info("logging to %s", logdir)
        course = replace(
            course, config=replace(course.config, head=_about(asked, course, learnt, unknown))
        )
        course.config.write(logdir)
        _write_head(logdir / HEAD, learnt.head)
        _judge(course, learnt, unknown, logdir, progress)
        _write_errors(course, learnt.head, logdir / ERRORS)
    return logdir


def _learn(course: Course, asked: HeadRequest) -> tuple[Learnt, Lesson]:
    """Learn a head; its crops are rows of train.  Return a sample of the lesson, too."""
    train, rows = course.dataset.splits["train"], course.rows["train"]
    there = np.flatnonzero(rows >= 0)
    labels = train.labels[there]
    most = MOST // course.found.facts.views
    if len(there) > most:
        log.info("learning from %s of %s crops, by label", f"{most:,}", f"{len(there):,}")
    chosen = folds.sample(labels, most, asked.seed)
    if asked.max_per_label is not None:
        chosen = chosen[folds.of_each(labels[chosen], asked.max_per_label, asked.seed)]
    there = there[chosen]
    sure = run_dataset.confidence_weights(course.config, train.confidences[there])
    lesson = Lesson(
        course.found.features(rows[there]),
        train.labels[there],
        train.locations[there],
        np.ones(len(there)) if sure is None else sure,
        course.dataset.num_labels,
    )
    learnt = folds.learn(lesson, asked.seed)
    log.info("learnt from %s crops", f"{len(there):,}")
    few = lesson.of(folds.sample(lesson.labels, folds.MOST_TO_CHOOSE, asked.seed))
    return replace(learnt, rows=there[learnt.rows]), few


def _unknown(asked: HeadRequest, course: Course, learnt: Learnt, few: Lesson) -> Unknown | None:
    """Learn to tell animals that were not learnt, by val if there is any."""
    rows, _ = _known(course, "val")
    if len(rows) > folds.MOST_TO_CHOOSE:
        draw = np.random.default_rng(asked.seed)
        rows = np.sort(draw.choice(rows, folds.MOST_TO_CHOOSE, replace=False))
    val = course.found.features(rows).mean(axis=1)
    share, seed = asked.false_alarms, asked.seed
    found = strangers.learn(few, learnt.head, learnt.strength, val, share, seed)
    if found is not None:
        rows, features_of = _known(course, "test")
        beyond = [found.beyond(x, learnt.head.logits(x)) > 0 for x in features_of]
        if len(rows):
            part = f"{np.concatenate(beyond).mean():.1%} of test's {len(rows):,} known animals"
            log.info("taken for unknown: %s; %.1f%% was asked for", part, 100 * share)
    return found


def _known(course: Course, split: str) -> tuple[np.ndarray, Iterator[np.ndarray]]:
    """Return rows of a split's crops whose label was learnt, and their features, some at a time."""
    rows, labels = course.rows[split], course.dataset.splits[split].labels
    learnt = course.dataset.splits["train"].labels[course.rows["train"] >= 0]
    rows = rows[(rows >= 0) & np.isin(labels, learnt)]
    return rows, (features.mean(axis=1) for _, features in course.found.batches(rows))


def _about(
    asked: HeadRequest, course: Course, learnt: Learnt, unknown: Unknown | None
) -> dict[str, object]:
    facts = course.found.facts
    return {
        "embeddings": facts.fingerprint,
        "views": facts.views,
        "max_per_label": asked.max_per_label,
        "strength": learnt.strength,
        "false_alarms": None if unknown is None else asked.false_alarms,
    }


def _judge(
    course: Course, learnt: Learnt, unknown: Unknown | None, logdir: Path, progress: Progress
) -> None:
    """Write what the splits say of the head, and the bundle."""
    config, found, dataset = course.config, course.found, course.dataset
    splits = [split for split, rows in course.rows.items() if len(rows)]
    anew = [split for split in splits if split != "train" and found.facts.file is not None]
    if anew:
        said = " and ".join(anew)
        log.info("learnt by %s; the bundle's own network is asked about %s", found.facts.file, said)
    known = {
        split: _said(found, learnt.head, course.rows[split])
        for split in splits
        if split not in anew
    }
    seen: frozenset[tuple[str, str]] | Literal["own"] = "own"
    has_val = len(dataset.splits["val"]) or len(learnt.rows)
    if not len(dataset.splits["val"]) and has_val:
        log.info("no val: temperature and thresholds are from folds of train by location")
        dataset, known["val"] = _by_folds(dataset, learnt)
        splits.append("val")
        seen = frozenset()
    if not len(dataset.splits["test"]):
        log.warning("no test: nothing says how good it is at locations that no choice was made by")
    model = _with_head(found, learnt.head, dataset.num_labels)
    described = network.describe(config, dataset.label_names)
    described = replace(described, views=found.facts.views)
    options = evaluation.EvaluationOptions(
        calibrate="temperature" if has_val else None,
        batch_size=config.batch_size,
        training_locations=seen,
        known=known,
    )
    judged = evaluation.evaluate(
        stream.of_keras(model, described), dataset, splits, logdir, options, None, progress
    )
    assert judged is not None  # there is one worker
    described = replace(described, calibration=judged.calibration, thresholds=judged.thresholds)
    written = bundle.write_network(logdir / BUNDLE, model, described, unknown=unknown)
    log.info("model bundle in %s; to look at: %s", written.path, logdir / evaluation.REPORT)


def _said(found: Embeddings, head: Head, rows: np.ndarray) -> Logits:
    """Return the logits of a split's crops, of their views' mean."""
    there = np.flatnonzero(rows >= 0)
    parts = [head.logits(features) for _, features in found.batches(rows[there])]
    values = np.concatenate([np.zeros((0, len(head.bias)), np.float32), *parts])
    return Logits(there, values, np.flatnonzero(rows < 0))


def _by_folds(dataset: Dataset, learnt: Learnt) -> tuple[Dataset, Logits]:
    """Give a dataset its training crops as val, and what heads said that had not seen them."""
    train = dataset.splits["train"]
    chosen = np.zeros(len(train), bool)
    chosen[learnt.rows] = True
    splits = {**dataset.splits, "val": train.select(chosen)}
    rows = np.arange(len(learnt.rows))
    return replace(dataset, splits=splits), Logits(rows, learnt.logits, rows[:0])


def _with_head(found: Embeddings, head: Head, num_labels: int) -> keras.Model:
    """Build the whole network: one of the table, with the head as its last layer."""
    body = backbone.restored(found.facts, found.folder / store.WEIGHTS)
    before = body.get_layer(weights.LAST).input
    last = keras.layers.Dense(num_labels, name=weights.LAST)
    model = keras.Model(body.input, last(before), name=body.name)
    last.set_weights([head.kernel, head.bias])
    return model


def _write_head(path: Path, head: Head) -> None:
    with files.replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, kernel=head.kernel, bias=head.bias)


def _write_errors(course: Course, head: Head, path: Path) -> None:
    """Show where wrong answers may be from, of test, or of val where there is none."""
    split = "test" if len(course.rows["test"]) else "val"
    names, part, rows = course.dataset.label_names, course.dataset.splits[split], course.rows[split]
    said = _said(course.found, head, rows)
    labels, likely = part.labels[said.rows], said.values.argmax(axis=1)
    every = np.arange(len(labels))
    margins = said.values[every, likely] - said.values[every, labels]
    worst = np.argsort(-margins, kind="stable")[: np.count_nonzero(margins)][:_SHOWN]
    cases = [
        nearest.Case(
            int(rows[said.rows[i]]),
            int(part.locations[said.rows[i]]),
            names[labels[i]],
            names[likely[i]],
            f"logit {margins[i]:.1f} larger",
        )
        for i in worst.tolist()
    ]
    train, found = course.dataset.splits["train"], course.rows["train"]
    there = found >= 0
    learnt_from = [names[label] for label in train.labels[there]]
    known = nearest.Known(found[there], learnt_from, train.locations[there])
    note, title = _NOTE.format(split), "Errors, and the training crops that they look like"
    files.write_text(path, nearest.page(title, note, course.found, cases, known))


def _claim(logdir: Path) -> Path:
    begun = datetime.now()
    return logdir / run_folder.name(begun, run_folder.claim(logdir, begun))
