"""A whole training run: train, judge the best weights, write the model bundle.

In the run's folder: ``params.json``, ``best.weights.h5``, ``ckpt_N.weights.h5`` of each epoch
that was the best so far, TensorBoard events, ``resume.npz`` to go on from, what
``evaluation.run`` writes, and the model bundle in ``bundle/1``.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from database_tools.core.errors import UserError
from tf_classification.evaluation import run as evaluation
from tf_classification.models import bundle, weights
from tf_classification.runs import network, strategies
from tf_classification.runs.config import TrainConfig
from tf_classification.training import extremes, session, state
from tf_classification.training.callbacks import BEST, Account, KeepBest, LogLine, StopOnNaN
from tf_classification.training.loop import Position, Trainer
from tf_classification.training.session import Session
from tf_classification.training.tensorboard_log import TensorBoardLog, write_hparams

log = logging.getLogger(__name__)

Progress = Callable[..., Iterator[Any]]


def train(config: TrainConfig, resume: Path | None, progress: Progress) -> Path:
    """Train, or go on training.

    Args:
        config: what the user asks for.
        resume: folder of a run to go on with, or None to begin one.
        progress: shows progress: ``progress(items, total=..., desc=...)``.

    Returns:
        the run's folder.

    Raises:
        UserError: for whatever the user can mend.
    """
    strategy = strategies.make(config.strategy, config.logical_cpus)
    with _lost_workers_named(strategy):
        logdir, config = _begin(config, resume, strategy)
        at_work, best = fit(config, logdir, strategy, progress, resume=resume is not None)
        _judge(at_work, logdir, best, progress)
        strategies.from_chief(strategy, 0)  # nobody leaves before the chief is done
    return logdir


def fit(
    config: TrainConfig,
    logdir: Path,
    strategy: tf.distribute.Strategy,
    progress: Progress,
    *,
    resume: bool = False,
) -> tuple[Session, KeepBest]:
    """Train to the end; return what was trained, and what is known of its best epoch."""
    at_work = session.prepare(config, strategy, pretrained=not resume)
    if strategies.is_chief(strategy) and not resume:
        config.write(logdir)
    log.info("logging to %s", logdir)
    trainer, best = _trainer(at_work, logdir, progress)
    if resume:
        trainer.position = state.restore(logdir / state.NAME, at_work.step, best)
        log.info("going on at step %(step)d of epoch %(epoch)d", asdict(trainer.position))
    if summary := at_work.dataset.ledger.summary():
        log.info("%s", summary)
    begin = time.process_time()
    trainer.fit()
    seconds = time.process_time() - begin
    log.info("trained in %.0f CPU seconds, evaluations included", seconds)
    return at_work, best


def _begin(
    config: TrainConfig, resume: Path | None, strategy: tf.distribute.Strategy
) -> tuple[Path, TrainConfig]:
    """Return the run's folder and its configuration, the same on all workers."""
    if resume is not None:
        return resume, config
    now = int(datetime.now().timestamp())
    begun = datetime.fromtimestamp(strategies.from_chief(strategy, now))
    drawn = strategies.from_chief(strategy, secrets.randbelow(10_000))
    seed = drawn if config.seed is None else config.seed
    # The padding is kept because a resumed run may no longer find the bundle it came from.
    config = replace(config, seed=seed, conv_padding=network.conv_padding(config))
    logdir = Path(config.logdir) / begun.strftime("%Y%m%d_%H%M%S")
    return logdir, config


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
        state.save(logdir / state.NAME, at_work.step, position, best, write=chief)

    trainer.save = save
    shown = _shown(at_work, trainer, logdir) if chief else []
    trainer.hang([StopOnNaN(logdir), best, *shown])
    return trainer, best


def _shown(at_work: Session, trainer: Trainer, logdir: Path) -> list[keras.callbacks.Callback]:
    k = at_work.config.log_extreme_examples
    pictures = extremes.CollectExtremes(k) if k else None
    board = TensorBoardLog(logdir, trainer, at_work.dataset, pictures)
    return [LogLine(), Account(at_work.dataset, logdir), *([pictures] if pictures else []), board]


def _judge(at_work: Session, logdir: Path, best: KeepBest, progress: Progress) -> None:
    """Judge the best weights on every split; write them as a bundle that knows what it is."""
    config, dataset = at_work.config, at_work.dataset
    weights.fill(at_work.model, logdir / BEST)
    judged = evaluation.evaluate(
        at_work.model,
        dataset,
        [split for split, examples in dataset.splits.items() if len(examples)],
        logdir,
        evaluation.Options(calibrate="temperature", batch_size=config.batch_size),
        at_work.strategy,
        progress,
    )
    if judged is None:
        return  # the chief writes
    write_hparams(logdir, config, best)
    description = replace(
        network.describe(config, dataset.label_names),
        calibration=judged.calibration,
        thresholds=judged.thresholds,
    )
    written = bundle.write(logdir / network.BUNDLE, at_work.model, description)
    log.info("best epoch %d; model bundle in %s", best.best_epoch, written.path)


@contextmanager
def _lost_workers_named(strategy: tf.distribute.Strategy) -> Iterator[None]:
    """Turn what TensorFlow says when another machine is gone into one line."""
    try:
        yield
    except tf.errors.OpError as error:
        if strategies.worker_of(strategy)[1] == 1:
            raise
        raise UserError(
            "another worker was lost; start all of them again with --resume LOGDIR"
            f" ({error.message.splitlines()[0][:120]})"
        ) from error
