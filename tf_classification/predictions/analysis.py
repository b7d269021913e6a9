"""What a classifier did to its splits, from what ``evaluate_model.py`` wrote, without the model.

    found = analysis.read(Path("run/20260101_120000"))
    found.main.predictions.confusion(len(found.evaluation.label_names), at_least=0.99)

Reads ``outputs_{split}.csv.gz``, ``evaluation.json`` for calibration and thresholds, and
``params.json`` for the dataset, whose crops the pictures are of.  ``analysis.html`` is the report
of the training with two parts more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup

from database_tools.core.errors import FormatError, UserError
from database_tools.core.people import is_people
from database_tools.durable import files
from database_tools.formats import classifier_csv
from database_tools.formats.classifier_csv import Table
from database_tools.pages import confusion, html
from database_tools.pages import pictures as pictures_of
from database_tools.pages.html import tag
from tf_classification.evaluation import grids, judgement, metrics, outputs, report
from tf_classification.evaluation.judgement import Batch, Judgement, Truth
from tf_classification.evaluation.report_content import Content
from tf_classification.evaluation.summary import Evaluation
from tf_classification.models.calibration import Calibration
from tf_classification.predictions import mislabeled
from tf_classification.runs import config as params
from tf_classification.runs import dataset as run_dataset

PAGE = "analysis.html"
SUREST = 0.99
_ORDER = {"train": 0, "val": 1, "test": 2}


def read(logdir: Path, splits: Sequence[str] = ()) -> Content:
    """Judge anew what ``outputs_{split}.csv.gz`` say.

    Args:
        logdir: folder of a training run.
        splits: some of those that have outputs; none for all.

    Raises:
        UserError: if there are no outputs, or they are not of the run's dataset.
    """
    wanted = splits or sorted(mislabeled.splits_of(logdir), key=lambda s: (_ORDER.get(s, 3), s))
    if not (logdir / params.PARAMS).is_file():
        raise UserError(f"{logdir}: no {params.PARAMS}, which says where the crops are")
    dataset = run_dataset.load(params.read(logdir / params.PARAMS), training=False)
    labels = dataset.label_names
    known = _known(logdir / "evaluation.json", labels)
    seen = np.unique(dataset.splits["train"].locations).astype(np.int64)
    judgements = []
    for split in wanted:
        path = logdir / outputs.file_name(split)
        if split not in dataset.splits:
            raise UserError(f"{path}: the run's dataset has no split {split!r}")
        truth = Truth.of(dataset.splits[split])
        with classifier_csv.reading(path) as table:
            _check_labels(path, table.label_names, labels)
            batches = _batches(path, table, truth, known.calibration)
            judgements.append(judgement.judge(split, truth, batches, len(labels), seen))
        if not len(judgements[-1].predictions.rows):
            raise UserError(f"{path}: no crop in it")
    evaluation = Evaluation(
        labels,
        known.calibration,
        known.thresholds,
        known.shared,
        known.precision,
        tuple(judgements),
    )
    return Content(f"Analysis of {logdir.resolve().name}", evaluation, dataset.splits)


def _check_labels(path: Path, found: Sequence[str], expected: Sequence[str]) -> None:
    if tuple(found) != tuple(expected):
        rule = f"its labels are not the dataset's: {len(found)} and {len(expected)}"
        raise FormatError(path, "line 1", rule)


def _known(path: Path, labels: tuple[str, ...]) -> Evaluation:
    """Read what an evaluation fitted; nothing where there is no file, or it is of other labels."""
    nothing = Evaluation(labels, Calibration(), {}, frozenset(), 0.95, ())
    if not path.exists():
        return nothing
    table = files.read_json(path)
    try:
        if tuple(table["labels"]) != labels:
            return nothing
        return Evaluation(
            labels,
            Calibration.from_json(table["calibration"], labels),
            dict(table["thresholds"]),
            frozenset(table["shared"]),
            float(table["wanted_precision"]),
            (),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(path, "top level", f"not of evaluate_model.py: {error!r}") from None


def _batches(path: Path, table: Table, truth: Truth, calibration: Calibration) -> Iterator[Batch]:
    """Make batches; plain softmax is had back from a temperature, but not from curves."""
    for batch in judgement.of_csv(path, table, truth):
        if calibration.curves is not None:
            yield batch
            continue
        plain = Calibration(1 / calibration.temperature).probabilities(batch.scores)
        yield Batch(batch.rows, batch.scores, batch.probabilities, plain)


def write(content: Content, path: Path, label: str | None = None) -> None:
    """Write the page.

    Args:
        content: what ``read`` returned.
        path: of the page.
        label: whose crops are shown by what they were taken for; None for nobody's.

    Raises:
        UserError: if there is no such label, or it is of people.
    """
    parts = [_surest(content)]
    if label is not None:
        parts.append(_of_label(content, label))
    files.write_text(path, report.page(content, *parts))


def statistics(judged: Judgement, names: Sequence[str]) -> str:
    """Return precision and recall of each label as lines of text, and their means."""
    counts = metrics.counts(judged.confusion)
    columns = metrics.precision(counts), metrics.recall(counts)
    rows = [*zip(names, *(column.tolist() for column in columns), strict=True)]
    rows.append(("mean", *(float(np.nanmean(c)) if (c == c).any() else np.nan for c in columns)))
    width = max(len(name) for name, _, _ in rows)
    head = f"{judged.split:<{width}}  precision  recall"
    lines = (f"{name:<{width}}  {_text(p):>9}  {_text(r):>6}" for name, p, r in rows)
    return "\n".join([head, *lines])


def _text(share: float) -> str:
    return "-" if np.isnan(share) else f"{share:.3f}"


def _surest(content: Content) -> Markup:
    names = content.evaluation.label_names
    parts = []
    for judged in content.judgements:
        table = judged.predictions.confusion(len(names), at_least=SUREST)
        total, right = int(table.sum()), int(np.trace(table))
        share = f", {right / total:.1%} of them right" if total else ""
        said = f"{total:,} of {len(judged.predictions.rows):,} crops{share}."
        chart = tag("div", tag("p", said), confusion.svg_of(table, names) if total else "")
        parts.append(html.fold(judged.split, chart, judged is content.main))
    note = f"The same for crops with a confidence of at least {SUREST} only."
    return html.section("What the surest are taken for", tag("p", note), *parts)


def _of_label(content: Content, label: str) -> Markup:
    names = content.evaluation.label_names
    if label not in names:
        raise UserError(f"no label {label!r}; there are {', '.join(names)}")
    if is_people(label):
        raise UserError(f"pictures of the label {label!r} are not shown: it is of people")
    judged = content.main
    examples = content.splits[judged.split]
    found = grids.of_label(examples, judged.predictions, names, names.index(label))
    parts = []
    for predicted, images in found.items():
        shown = (tag("img", src=pictures_of.address(image), alt=predicted) for image in images)
        parts.append(
            tag("div", tag("h4", f"taken for {predicted}"), tag("div", *shown, cls="grid"))
        )
    note = f"Crops of {label} in {judged.split}, the surest first."
    return html.section(f"Pictures of {label}", tag("p", note), *parts)
