"""``suggest_labels.py``: the crops that are worth asking an expert about next.

OUT.csv     as ``formats.answers_csv`` reads it, with empty labels to fill in, and beside them what
            the head says, how sure the detector was, and why the crop is asked about
OUT.html    the same crops, to look at
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from threadpoolctl import threadpool_limits

from database_tools import imaging
from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.formats import answers_csv
from database_tools.formats.answers_csv import Answer, Question
from database_tools.pages import html
from database_tools.pages.html import tag
from tf_classification.embeddings import index
from tf_classification.embeddings.index import Embeddings
from tf_classification.evaluation import calibration, grids
from tf_classification.heads import choosing, folds
from tf_classification.heads.choosing import Pool
from tf_classification.heads.folds import Lesson
from tf_classification.heads.head import Basis, Floats, Ints
from tf_classification.heads.request import SuggestRequest
from tf_classification.models.calibration import Calibration

log = logging.getLogger(__name__)

MOST = 20_000
"""Crops that are looked at; of more, a sample, another one after each answer."""


class Suggestion(NamedTuple):
    """A crop to ask about: row of the embeddings, and what a head takes it for, if there is one."""

    row: int
    why: str
    predicted: str = ""
    probability: float | None = None


def run(asked: SuggestRequest) -> int:
    """Do what the command is asked for, and return how many crops are suggested.

    Raises:
        UserError: if no crop is left to ask about, or an answer is of a crop without embedding.
    """
    found = index.open(asked.embeddings)
    answers = [] if asked.labels is None else answers_csv.read(asked.labels)
    chosen = suggest(found, answers, asked.number, asked.seed)
    answers_csv.write_questions(asked.output, (_question(found, one) for one in chosen))
    files.write_text(asked.output.with_suffix(".html"), _page(found, chosen))
    return len(chosen)


@threadpool_limits.wrap(limits=1)  # same sums every time; two threads wait longer than they add
def suggest(
    found: Embeddings, answers: Sequence[Answer], number: int, seed: int
) -> list[Suggestion]:
    """Choose crops that have no answer yet.

    Args:
        found: embeddings of all crops.
        answers: so far; each tells of its location too.
        number: of crops to choose, fewer if fewer are left.
        seed: same seed and answers, same choice.

    Raises:
        UserError: if none is left, or an answer is of a crop without embedding.
    """
    known = found.rows(answer.path for answer in answers)
    if (known < 0).any():
        path = answers[int(np.argmin(known))].path
        raise UserError(f"{found.folder}: no embedding of {path!r}, which has an answer")
    rows = np.setdiff1d(np.arange(len(found)), known)
    if not len(rows):
        raise UserError(f"{found.folder}: every crop has an answer")
    draw = np.random.default_rng([seed, len(answers)])
    if len(rows) > MOST:
        rows = np.sort(draw.choice(rows, MOST, replace=False))
    features, places = found.features(rows).mean(axis=1), _places(found)
    sure = np.nan_to_num(found.crops.confidences[rows], nan=1.0)
    points = choosing.looks(Basis.of(features, seed).points(features))
    pool = Pool(points, sure, places[rows])
    number = min(number, len(rows))
    labelled = [answer for answer in answers if answer.is_label]
    names = sorted({answer.label for answer in labelled})
    if len(names) < 2:
        picked = choosing.spread(pool, number, places[known], seed)
        return [Suggestion(int(rows[i]), choosing.SPREAD) for i in picked]
    said = _probabilities(found, labelled, names, features, seed)
    picked = choosing.unsure(pool, said, number, seed)
    best = said.argmax(axis=1)
    return [
        Suggestion(int(rows[i]), choosing.UNSURE, names[best[i]], float(said[i, best[i]]))
        for i in picked
    ]


def _places(found: Embeddings) -> Ints:
    """Return (n,) numbers of the crops' locations; of crops without, their folders count."""
    crops = found.crops
    if any(crops.places):
        return crops.locations
    folders = [str(name).rpartition("/")[0] for name in crops.names]
    return np.unique(folders, return_inverse=True)[1]


def _probabilities(
    found: Embeddings, labelled: Sequence[Answer], names: list[str], features: Floats, seed: int
) -> Floats:
    """Return (n, L) what a head says that was learnt from the answers."""
    rows = found.rows(answer.path for answer in labelled)
    labels = np.array([names.index(answer.label) for answer in labelled])
    _, places = np.unique([answer.location for answer in labelled], return_inverse=True)
    lesson = Lesson(found.features(rows), labels, places, np.ones(len(rows)), len(names))
    learnt = folds.learn(lesson, seed)
    fitted = Calibration()
    if len(learnt.rows):
        fitted = calibration.temperature(learnt.logits, labels[learnt.rows])
    return fitted.probabilities(learnt.head.logits(features))


def _place(found: Embeddings, row: int) -> str:
    crops = found.crops
    return crops.places[crops.locations[row]] or str(crops.names[row]).rpartition("/")[0]


def _question(found: Embeddings, one: Suggestion) -> Question:
    name, sure = str(found.crops.names[one.row]), float(found.crops.confidences[one.row])
    confidence = None if np.isnan(sure) else sure
    place = _place(found, one.row)
    return Question(name, place, one.predicted, one.probability, confidence, one.why)


def _page(found: Embeddings, chosen: Sequence[Suggestion]) -> str:
    title = "Crops to label next"
    note = (
        "What these are would teach a classifier most. The CSV beside this page has a row for each:"
        " write down the label, or a decision (several, no animal, unsure) where there is none."
    )
    shots = tag("div", *(_figure(found, one) for one in chosen), cls="shots keys")
    return html.document(title, tag("h1", title), tag("p", note), shots)


def _figure(found: Embeddings, one: Suggestion) -> Markup:
    name, content = str(found.crops.names[one.row]), found.encoded(one.row)
    said = "" if one.probability is None else f"{one.predicted}? {html.percent(one.probability)}"
    caption = tag("figcaption", ", ".join(filter(None, (name, said, one.why))))
    try:
        source = grids.thumbnail(content) if isinstance(content, bytes) else ""
    except imaging.UnreadableImage:
        source = ""
    picture = tag("img", src=source, alt=name, loading="lazy") if source else tag("p", "not there")
    return tag("figure", picture, caption, data_name=f"{name} {said}")
