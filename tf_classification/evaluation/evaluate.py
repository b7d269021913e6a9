"""Judging a classifier on the splits of a dataset: one call, all files.

``evaluate_model.py`` calls it, and the trainer at the end of training.  In the output folder:

==========================  =================================================================
outputs_{split}.csv.gz      probabilities of every crop, see ``outputs``
overall_metrics.csv         losses and accuracies, see ``outputs``
label_stats.csv             precision and recall of each label, see ``outputs``
confusion_matrices.npz      see ``outputs``
evaluation.json             headline figures with intervals, calibration, thresholds
report.html                 all of it, to look at
evaluate_model_ledger.json  crops that could not be decoded
label_index.json            only where a target mapping adds "other"
==========================  =================================================================
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.core import thresholds
from database_tools.core.errors import UserError
from database_tools.core.ledger import Ledger
from database_tools.core.precision_bounds import Judged
from database_tools.core.target_mapping import TargetMapping
from database_tools.core.weights import balance
from database_tools.durable import files
from database_tools.formats import classifier_csv, label_index, ledger_json
from tf_classification.data.examples import Dataset
from tf_classification.evaluation import calibration, judgement, outputs, report, summary
from tf_classification.evaluation.judgement import Batch, Judgement, Truth
from tf_classification.evaluation.report_content import Content
from tf_classification.evaluation.request import PRECISION
from tf_classification.evaluation.summary import Evaluation
from tf_classification.models.calibration import Calibration
from tf_classification.predictor import stream
from tf_classification.predictor.stream import Logits, Network, Progress
from tf_classification.runs import strategies

log = logging.getLogger(__name__)

FITTED_ON = "val"
UNREADABLE = "cannot be decoded"
STAGE = "evaluate_model"
REPORT = "report.html"
_ROWS = 4096  # rows at a time
_FEW_FOR_A_CURVE = 100  # crops of a label


@dataclass(frozen=True)
class EvaluationOptions:
    """How to judge.

    Attributes:
        calibrate: fit this one of ``request.METHODS`` on val, which is judged then too;
            None keeps the model's.  Not with a ``mapping``: it is of the model's own labels.
        precision: wanted share of right ones among the accepted predictions, in (0, 1].
        batch_size: crops at a time over all devices.
        threads: pictures decoded at a time; 0 for as many as there are cores.
        calibration: what the model brings along.
        thresholds: what the model brings along, label to probability; used where val is not
            judged, on which they are chosen otherwise.
        mapping: from the model's outputs to the dataset's labels; None if they are the same.
        training_locations: (dataset, location) that the model has seen; ``"own"`` for those of
            the dataset's train split, ``"unknown"`` if nobody knows.
        title: of the report; "" for the name of the network.
        known: split to what the network is known to say of it: it is not asked again.
    """

    calibrate: str | None = None
    precision: float = PRECISION
    batch_size: int = 256
    threads: int = 0
    calibration: Calibration = field(default_factory=Calibration)
    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    mapping: TargetMapping | None = None
    training_locations: frozenset[tuple[str, str]] | Literal["own", "unknown"] = "own"
    title: str = ""
    known: Mapping[str, Logits] = field(default_factory=dict)


def evaluate(
    network: Network,
    dataset: Dataset,
    splits: Sequence[str],
    output_dir: Path,
    options: EvaluationOptions | None = None,
    strategy: tf.distribute.Strategy | None = None,
    progress: Progress | None = None,
) -> Evaluation | None:
    """Judge a model and write the files of the module's docstring.

    Args:
        network: with its variables in the strategy's scope.
        dataset: what to judge it on.
        splits: names of splits of the dataset, in the order of the files' rows.
        output_dir: folder to write to; made if need be.
        options: how; None for the defaults.
        strategy: where the network's variables are; None for one device.
        progress: shows progress: ``progress(batches, total=..., desc=...)``.

    Returns:
        What was found; None on every worker but the first, which writes nothing.

    Raises:
        UserError: if a split is unknown or has no crop, or the folder cannot be written.
    """
    options = options or EvaluationOptions()
    names = _label_names(network, dataset, options)
    wanted = _wanted(dataset, splits, options)
    index = output_dir / "label_index.json"
    if names != dataset.label_names and index.exists() and label_index.read(index) != names:
        raise UserError(f"{index} is of other labels; choose another --output-dir")
    files.make_folder(output_dir)
    found = {}
    for split in wanted:
        shown = None if progress is None else functools.partial(progress, desc=split)
        fed = stream.Batches(options.batch_size, options.threads)
        said = options.known.get(split) or stream.logits(
            network, dataset.splits[split], fed, output_dir, strategy, shown
        )
        found[split] = _mapped(said, options)
        if not len(said.rows):
            raise UserError(f"no picture of the split {split!r} can be decoded")
    if strategy is not None and not strategies.is_chief(strategy):
        return None
    applied = _calibration(found, dataset, options)
    seen = _seen(dataset, options)
    judgements = []
    for split, said in found.items():
        truth = Truth.of(dataset.splits[split])
        path = output_dir / outputs.file_name(split)
        with classifier_csv.writing(path, names, labels=True, weights=True) as table:
            batches = _written(table, names, truth, said, applied)
            judgements.append(judgement.judge(split, truth, batches, len(names), seen))
    chosen, shared = _thresholds(judgements, names, options)
    evaluation = Evaluation(names, applied, chosen, shared, options.precision, tuple(judgements))
    _write(output_dir, evaluation, dataset)
    _write_ledger(output_dir, dataset, found)
    title = options.title or f"Evaluation of {network.name}"
    content = Content(title, evaluation, dataset.splits)
    files.write_text(output_dir / REPORT, report.page(content))
    return evaluation


def _label_names(network: Network, dataset: Dataset, options: EvaluationOptions) -> tuple[str, ...]:
    if options.mapping is not None:
        return options.mapping.targets
    if network.outputs != dataset.num_labels:
        raise UserError(
            f"the model has {network.outputs} outputs but the dataset {dataset.num_labels} "
            "labels; compare them with --target-mapping"
        )
    return dataset.label_names


def _wanted(dataset: Dataset, splits: Sequence[str], options: EvaluationOptions) -> list[str]:
    also = [FITTED_ON] if options.calibrate else []
    wanted = list(dict.fromkeys([*splits, *also]))
    for split in wanted:
        if split not in dataset.splits:
            raise UserError(f"no split {split!r}; there are {', '.join(dataset.splits)}")
        if not len(dataset.splits[split]):
            raise UserError(f"the split {split!r} has no crop to evaluate on")
    return wanted


def _mapped(said: Logits, options: EvaluationOptions) -> Logits:
    """Bring logits to the dataset's labels; what the model's calibration does comes before."""
    if options.mapping is None:
        return said
    parts = []
    for start in range(0, len(said.rows), _ROWS):
        probabilities = options.calibration.probabilities(said.values[start : start + _ROWS])
        with np.errstate(divide="ignore"):
            parts.append(options.mapping.logits(np.log(probabilities)))
    return dataclasses.replace(said, values=np.concatenate(parts))


def _written(
    table: classifier_csv.Writer,
    names: Sequence[str],
    truth: Truth,
    said: Logits,
    applied: Calibration,
) -> Iterator[Batch]:
    """Yield what is judged, and write it on the way."""
    labels = truth.labels[said.rows]
    weights = balance(labels, np.ones(len(labels)))
    for start in range(0, len(said.rows), _ROWS):
        part = slice(start, start + _ROWS)
        batch = judgement.of_logits(said.rows[part], said.values[part], applied)
        true = [names[i] for i in labels[part].tolist()]
        table.write(truth.keys[batch.rows].tolist(), batch.probabilities, true, weights[part])
        yield batch


def _calibration(
    found: Mapping[str, Logits], dataset: Dataset, options: EvaluationOptions
) -> Calibration:
    if options.mapping is not None:
        return Calibration()  # it is in the mapped values already
    if options.calibrate is None:
        return options.calibration
    said = found[FITTED_ON]
    labels = dataset.splits[FITTED_ON].labels[said.rows]
    log.info("fitting the %s on %d crops of %s", options.calibrate, len(labels), FITTED_ON)
    few = int((np.bincount(labels, minlength=dataset.num_labels) < _FEW_FOR_A_CURVE).sum())
    if options.calibrate == "isotonic" and few:
        advice = "their curves will be rough, and a temperature is safer"
        log.warning("%d labels have fewer than %d crops: %s", few, _FEW_FOR_A_CURVE, advice)
    return calibration.fit(options.calibrate, said.values, labels)


def _seen(dataset: Dataset, options: EvaluationOptions) -> npt.NDArray[np.int64] | None:
    """Return the numbers of the locations that the model was trained on."""
    known = options.training_locations
    if known == "unknown":
        return None
    if known == "own":
        return np.unique(dataset.splits["train"].locations).astype(np.int64)
    return np.array([i for i, at in enumerate(dataset.locations) if at in known], np.int64)


def _thresholds(
    judgements: Sequence[Judgement], names: Sequence[str], options: EvaluationOptions
) -> tuple[dict[str, float | None], frozenset[str]]:
    """Choose on validation crops; where there are none, take what the model brings along.

    Returns:
        the thresholds, and the labels that share the one of all labels together.
    """
    for judged in judgements:
        if judged.split == FITTED_ON:
            found = judged.predictions
            said = Judged(found.confidences.astype(np.float64), found.right, found.locations)
            chosen = thresholds.choose(said, found.predicted, len(names), options.precision)
            limits = [None if np.isnan(value) else float(value) for value in chosen.values]
            shared = np.flatnonzero(~chosen.own & ~np.isnan(chosen.values))
            return dict(zip(names, limits, strict=True)), frozenset(names[int(i)] for i in shared)
    return ({} if options.mapping is not None else dict(options.thresholds)), frozenset()


def _write(output_dir: Path, evaluation: Evaluation, dataset: Dataset) -> None:
    names, judgements = evaluation.label_names, evaluation.judgements
    if names != dataset.label_names:
        label_index.write(output_dir / "label_index.json", names)
    confusions = {judged.split: judged.confusion for judged in judgements}
    overall = {judged.split: judged.overall for judged in judgements}
    outputs.write_overall_metrics(output_dir / "overall_metrics.csv", overall)
    outputs.write_label_stats(output_dir / "label_stats.csv", confusions, names)
    outputs.write_confusion_matrices(output_dir / "confusion_matrices.npz", confusions)
    files.write_json(output_dir / "evaluation.json", summary.of(evaluation))


def _write_ledger(output_dir: Path, dataset: Dataset, found: Mapping[str, Logits]) -> None:
    lost = {s: dataset.splits[s].keys[said.unreadable] for s, said in found.items()}
    unreadable = [str(key) for keys in lost.values() for key in keys]
    kept = sum(len(said.rows) for said in found.values())
    dropped = {UNREADABLE: unreadable} if unreadable else {}
    total = sum(len(dataset.splits[split]) for split in found)
    stage = Ledger(STAGE, total, kept, dropped)
    path = ledger_json.write(output_dir, stage)
    for split, said in found.items():
        _warn_of_lost_labels(dataset, split, said)
    if unreadable:
        log.warning("%d crops cannot be decoded and were left out; see %s", len(unreadable), path)


def _warn_of_lost_labels(dataset: Dataset, split: str, said: Logits) -> None:
    """Name each label none of whose crops could be decoded: it has no figures at all."""
    labels, number = dataset.splits[split].labels, dataset.num_labels
    lost = np.bincount(labels[said.unreadable], minlength=number)
    for i in np.flatnonzero((lost > 0) & (lost == np.bincount(labels, minlength=number))):
        name = dataset.label_names[int(i)]
        log.warning("%s: none of the %d crops of %r can be decoded", split, lost[i], name)
