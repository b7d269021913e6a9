"""A whole training run: train, judge the best weights, write the model bundle.

In the run's folder: ``params.json``, ``best.weights.h5``, ``ckpt_N.weights.h5`` of each epoch
that was the best so far, TensorBoard events, ``resume.npz`` to go on from, what
``evaluation.evaluate`` writes, and the model bundle in ``bundle/1``.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from database_tools.core import taxa
from database_tools.core.errors import UserError
from database_tools.durable import files, locks
from tf_classification.data import crop_shape
from tf_classification.evaluation import evaluate as evaluation
from tf_classification.models import bundle, weights
from tf_classification.predictor import stream
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs import network, run_folder, strategies
from tf_classification.runs.config import BUNDLE, TrainConfig
from tf_classification.training import extremes, failures, session, state
from tf_classification.training.callbacks import (
    BEST,
    Account,
    KeepBest,
    LogLine,
    NameBlindLabels,
    StopOnNaN,
)
from tf_classification.training.loop import Position, Trainer
from tf_classification.training.session import Session
from tf_classification.training.tensorboard_log import TensorBoardLog, write_hparams

log = logging.getLogger(__name__)

Progress = Callable[..., Iterator[Any]]


def train(
    config: TrainConfig,
    resume: Path | None,
    progress: Progress,
    begun: Callable[[Path], None] = lambda logdir: None,
    name: str | None = None,
) -> Path:
    """Train, or go on training.

    Args:
        config: what the user asks for.
        resume: folder of a run to go on with, or None to begin one.
        progress: shows progress: ``progress(items, total=..., desc=...)``.
        begun: told the folder of a new run when it is there.
        name: of the folder of a new run; None to name it by its time.

    Returns:
        the run's folder.

    Raises:
        UserError: for whatever the user can mend.
    """
    strategy = strategies.make(config.strategy, config.logical_cpus)
    with failures.named(strategy, config.batch_size), ExitStack() as held:
        _agree(strategy, 0 if resume is None else 1)
        if resume is not None and strategies.is_chief(strategy):
            held.enter_context(locks.locked(resume / run_folder.LOCK))
        at_work = _prepare(config, strategy, resumed=resume is not None)
        logdir = resume or _claim(config, strategy, name)
        begun(logdir)
        if resume is None and strategies.is_chief(strategy):
            held.enter_context(locks.locked(logdir / run_folder.LOCK))
        best = fit(at_work, logdir, progress, resume=resume is not None)
        _judge(at_work, logdir, best, progress)
        strategies.from_chief(strategy, 0)  # nobody leaves before the chief is done
    return logdir


def fit(at_work: Session, logdir: Path, progress: Progress, *, resume: bool = False) -> KeepBest:
    """Train to the end; return what is known of the best epoch."""
    log.info("logging to %s", logdir)
    trainer, best = _trainer(at_work, logdir, progress)
    if resume:
        reached = state.restore(logdir / run_folder.STATE, at_work.step, best)
        _agree(at_work.strategy, reached.epoch << 40 | reached.step)
        trainer.position = reached
        log.info("going on at step %(step)d of epoch %(epoch)d", asdict(trainer.position))
    if strategies.is_chief(at_work.strategy):
        at_work.config.write(logdir)
    if summary := at_work.dataset.ledger.summary():
        log.info("%s", summary)
    begin = time.process_time()
    trainer.fit()
    seconds = time.process_time() - begin
    log.info("trained in %.0f CPU seconds, evaluations included", seconds)
    return best


def _prepare(config: TrainConfig, strategy: tf.distribute.Strategy, *, resumed: bool) -> Session:
    """Make what a run needs, with a configuration that knows what it found."""
    config = config.absolute()
    if not resumed:
        drawn = strategies.from_chief(strategy, secrets.randbelow(10_000))
        seed = drawn if config.seed is None else config.seed
        # The padding is kept because a resumed run may no longer find the bundle it came from.
        config = replace(config, seed=seed, conv_padding=network.conv_padding(config))
    at_work = session.prepare(config, strategy, pretrained=not resumed)
    dataset, recipe = at_work.dataset, at_work.dataset.crop_recipe
    found = run_dataset.sha256(config, dataset)
    if resumed and found != config.dataset_sha256:
        origin = config.tfrecords or config.dataset_dir
        rule = "is not what the run learns from: its crops, their labels or places are others"
        raise UserError(f"--resume: {origin} {rule}")
    config = replace(
        config,
        labels=dataset.label_names,
        dataset_sha256=found,
        picture_hashes=config.picture_hashes if resumed else run_dataset.picture_hashes(config),
        crop_recipe=None if recipe is None else recipe.as_json(),
        crop_shape=config.crop_shape if resumed else crop_shape.of(dataset.splits["train"]),
        taxonomy=None if dataset.taxonomy is None else taxa.as_json(dataset.taxonomy),
    )
    return replace(at_work, config=config)


def _agree(strategy: tf.distribute.Strategy, number: int) -> None:
    """Raise LostWorker if this worker does not begin where the chief does.

    A chief that is about to end may save a state while another worker is starting again.
    """
    if strategies.from_chief(strategy, number) != number:
        raise failures.LostWorker("the workers begin at different states; start all of them again")


def _claim(config: TrainConfig, strategy: tf.distribute.Strategy, name: str | None) -> Path:
    """Claim a folder for a new run; return it, the same on all workers."""
    if name is not None:
        folder = Path(config.logdir) / name
        files.make_folder(folder)
        return folder
    now = int(datetime.now().timestamp())
    begun = datetime.fromtimestamp(strategies.from_chief(strategy, now))
    base = Path(config.logdir)
    number = run_folder.claim(base, begun) if strategies.is_chief(strategy) else 0
    return base / run_folder.name(begun, strategies.from_chief(strategy, number))


def _trainer(at_work: Session, logdir: Path, progress: Progress) -> tuple[Trainer, KeepBest]:
    config, chief = at_work.config, strategies.is_chief(at_work.strategy)
    trainer = Trainer(
        at_work.step,
        at_work.feeds,
        config.epochs,
        frozen_epochs=config.frozen_epochs,
        steps_per_call=config.steps_per_call,
        save_steps=config.save_steps,
        progress=lambda items, total, name: progress(items, total=total, desc=name),
    )
    has_test = len(at_work.dataset.splits["test"]) > 0
    score = "acc_weighted_top1" if config.power > 0 else "acc_top1"
    best = KeepBest(
        logdir,
        f"val/{score}",
        config.patience,
        lambda: trainer.evaluate("test") if has_test else {},
        write=chief,
    )

    def save(position: Position) -> None:
        state.save(logdir / run_folder.STATE, at_work.step, position, best, write=chief)

    trainer.save = save
    shown = _shown(at_work, trainer, logdir) if chief else []
    blind = NameBlindLabels(at_work.dataset, at_work.feeds.plan, trainer.tallies)
    trainer.hang([StopOnNaN(logdir), best, blind, *shown])
    return trainer, best


def _shown(at_work: Session, trainer: Trainer, logdir: Path) -> list[keras.callbacks.Callback]:
    k = at_work.config.log_extreme_examples
    pictures = extremes.CollectExtremes(k) if k else None
    board = TensorBoardLog(logdir, trainer, at_work.dataset, pictures)
    return [LogLine(), Account(at_work.dataset, logdir), *([pictures] if pictures else []), board]


def _judge(at_work: Session, logdir: Path, best: KeepBest, progress: Progress) -> None:
    """Judge the best weights on every split; write them as a bundle that knows what it is."""
    config, dataset = at_work.config, at_work.dataset
    weights.load(at_work.model, logdir / BEST, config.model_name)
    described = network.describe(config, dataset.label_names)
    judged = evaluation.evaluate(
        stream.of_keras(at_work.model, described),
        dataset,
        [split for split, examples in dataset.splits.items() if len(examples)],
        logdir,
        evaluation.EvaluationOptions(calibrate="temperature", batch_size=config.batch_size),
        at_work.strategy,
        progress,
    )
    if judged is None:
        return  # the chief writes
    write_hparams(logdir, config, best)
    description = replace(described, calibration=judged.calibration, thresholds=judged.thresholds)
    written = bundle.write(logdir / BUNDLE, at_work.model, description)
    log.info("best epoch %d; model bundle in %s", best.best_epoch, written.path)
    log.info("to look at: %s", logdir / evaluation.REPORT)
