"""``evaluate_model.py``: judge a checkpoint on a dataset, and export it as a model bundle.

A checkpoint that is weights only is exported beside itself, ``ckpt_12_compiled/1`` beside
``ckpt_12.weights.h5``, as the original compiled it.  A bundle is left as it is, unless a
calibration was fitted: then its next version has it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from database_tools.core.errors import UserError
from database_tools.formats import label_index, target_mapping_json
from tf_classification.evaluation.evaluate import EvaluationOptions, evaluate
from tf_classification.evaluation.request import EvaluationRequest
from tf_classification.evaluation.summary import Evaluation
from tf_classification.models import bundle, checkpoint, efficientnet_pytorch, torch_files
from tf_classification.models.checkpoint import Checkpoint
from tf_classification.predictor import stream
from tf_classification.predictor.stream import Network, Progress
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs import network, strategies
from tf_classification.runs.config import TrainConfig

log = logging.getLogger(__name__)


def run(asked: EvaluationRequest, progress: Progress) -> None:
    """Do what the command is asked for.

    Raises:
        UserError: if checkpoint, labels and dataset do not fit together, or a file is missing.
    """
    config = asked.config()
    if asked.ckpt_path.suffix in torch_files.SUFFIXES:
        path = efficientnet_pytorch.import_once(
            asked.ckpt_path, asked.label_index, asked.output_dir
        )
        asked = replace(asked, ckpt_path=path)
    checkpoint.check(asked.ckpt_path)
    own, origin = _labels(asked, config)
    dataset = run_dataset.load(config, training=False) if asked.judges else None
    strategy = strategies.make(asked.strategy, asked.logical_cpus)
    with strategy.scope():
        expected = network.describe(config, own)
        read = network.read(asked.params_json.parent, asked.ckpt_path, expected, origin)
    evaluation = None
    if dataset is not None:
        options = _options(asked, config, read)
        evaluation = evaluate(
            _network(read), dataset, asked.splits, asked.output_dir, options, strategy, progress
        )
        if evaluation is None:
            return  # the first worker writes
        log.info("%s", asked.output_dir / "report.html")
    _export(asked, read, evaluation)


def _network(read: Checkpoint) -> Network:
    """Take the network itself, or what its bundle's signatures tell where it cannot be built."""
    if read.bundle is not None and read.model is None:
        return stream.of_bundle(read.bundle)
    return stream.of_keras(read.model, read.description)


def _labels(asked: EvaluationRequest, config: TrainConfig) -> tuple[Sequence[str], str]:
    """Return the network's labels and the file that names them; no file for a bundle's own."""
    if asked.label_index is not None:
        labels = label_index.read(asked.label_index)
        if not asked.target_mapping:
            _check_same(labels, asked, config)
        return labels, str(asked.label_index)
    if asked.target_mapping:
        if asked.ckpt_path.is_dir():
            return bundle.read(asked.ckpt_path).description.labels, ""
        raise UserError(
            f"{asked.ckpt_path} does not know its labels: --target-mapping wants --label-index"
        )
    return run_dataset.labels(config)


def _check_same(labels: Sequence[str], asked: EvaluationRequest, config: TrainConfig) -> None:
    expected, origin = run_dataset.labels(config)
    if tuple(labels) != tuple(expected):
        raise UserError(
            f"--label-index {asked.label_index} is not {origin}: "
            "give --target-mapping to compare a classifier of other labels"
        )


def _options(asked: EvaluationRequest, config: TrainConfig, read: Checkpoint) -> EvaluationOptions:
    targets = None
    if asked.target_mapping is not None:
        expected, _ = run_dataset.labels(config)
        targets = target_mapping_json.read(asked.target_mapping, read.description.labels, expected)
    return EvaluationOptions(
        calibrate=asked.calibrate,
        precision=asked.precision,
        batch_size=config.batch_size,
        threads=config.num_workers,
        calibration=read.description.calibration,
        thresholds=read.description.thresholds,
        mapping=targets,
        training_locations=asked.training_locations(),
        title=f"{read.description.network}, {asked.ckpt_path.name}",
    )


def _export(asked: EvaluationRequest, read: Checkpoint, evaluation: Evaluation | None) -> None:
    description = read.description
    if evaluation is not None and not asked.target_mapping:
        description = replace(
            description,
            calibration=evaluation.calibration,
            thresholds=evaluation.thresholds or description.thresholds,
        )
    if read.bundle is None:
        base = checkpoint.compiled(asked.ckpt_path)
    elif asked.calibrate:
        base = read.bundle.base
    elif asked.judges:
        return
    else:
        raise UserError(f"{asked.ckpt_path} is a model bundle already; give --splits to judge it")
    log.info("model bundle: %s", checkpoint.export(read, description, base).path)
