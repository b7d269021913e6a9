"""Run in a process of its own: train a variant, perhaps killing oneself at a moment.

    python killed_run.py DATASET LOGDIR VARIANT MOMENT

LOGDIR is gone on with if it holds a state.  A moment is never, ``step:EPOCH:STEP``,
``saving:N`` (the N-th state is half written), ``best:EPOCH`` (the best weights are written, the
state is not yet) or ``each:EPOCH:STEP:EPOCH:STEP...`` (the second worker, once at each step).
"""

from __future__ import annotations

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from tf_classification.runs import run_folder, strategies
from tf_classification.runs.config import TrainConfig
from tf_classification.training import run, session, state
from tf_classification.training.callbacks import KeepBest, StopOnNaN

VARIANTS = {
    "plain": {},
    "rich": {
        "ema": 0.9,
        "optimizer": "rmsprop",
        "lr": 1e-4,
        "dropout": 0.4,
        "steps_per_call": 2,
        "save_steps": 2,
        "lr_schedule": "cosine",
        "sampling_power": 0.5,
        "weight_by_detection_conf": True,
        "clip_norm": 1.0,
    },
}


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def arrange_each(moment: str) -> None:
    """Have the second worker die once at a step of each epoch."""
    at = list(map(int, moment.split(":")[1:]))
    steps = dict(zip(at[::2], at[1::2], strict=True))
    if json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 0:
        return
    checked = StopOnNaN.on_train_batch_end

    def once_each(self, batch, logs=None):
        checked(self, batch, logs)
        mark = Path(f"{sys.argv[2]}.{self._epoch}")
        if steps.get(self._epoch) == batch and not mark.exists():
            mark.touch()
            die()

    StopOnNaN.on_train_batch_end = once_each


def arrange(moment: str) -> None:
    """Put the killing into what the training calls."""
    kind, *numbers = moment.split(":")
    at = tuple(map(int, numbers))
    if kind == "step":
        checked = StopOnNaN.on_train_batch_end

        def at_step(self, batch, logs=None):
            checked(self, batch, logs)
            if (self._epoch, batch) == at:
                die()

        StopOnNaN.on_train_batch_end = at_step
    elif kind == "saving":
        saved, count = np.savez, [0]

        def half(file, **arrays):
            count[0] += 1
            if (count[0],) == at:
                file.write(b"PK half a state")
                file.flush()
                die()
            saved(file, **arrays)

        state.np.savez = half
    elif kind == "best":
        kept = KeepBest.on_epoch_end

        def after_best(self, epoch, logs=None):
            kept(self, epoch, logs)
            if (epoch,) == at:
                die()

        KeepBest.on_epoch_end = after_best


def main(dataset: Path, logdir: Path, variant: str, moment: str) -> None:
    (arrange_each if moment.startswith("each") else arrange)(moment)
    config = TrainConfig(
        dataset_dir=str(dataset / "base"),
        cropped_images_dir=str(dataset / "crops"),
        model_name="demo-cnn",
        image_size=32,
        epochs=3,
        batch_size=16,
        lr=0.003,
        optimizer="adamw",
        seed=1,
        save_steps=3,
        logdir=str(logdir),
    )
    config = replace(config, **VARIANTS[variant])
    strategy = strategies.make("auto")
    resume = (logdir / run_folder.STATE).exists()
    logdir.mkdir(parents=True, exist_ok=True)
    at_work = session.prepare(config, strategy, pretrained=not resume)
    run.fit(at_work, logdir, lambda items, total, desc: items, resume=resume)
    strategies.from_chief(strategy, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4])
