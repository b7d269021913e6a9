"""Every option of training and evaluation with its original default: the one place for both.

The commands make their flags from these classes (``flags.declare``), so that a default and its
explanation are written once.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from database_tools.core import limits

OPTIMIZERS = ("adadelta", "adagrad", "adam", "ftrl", "momentum", "sgd", "rmsprop")
DECAYS = ("fixed", "exponential", "polynomial")

_MODEL_DIR = str(Path(tempfile.gettempdir()) / "tfmodel") + "/"


_RULES = {
    "at least 0": "labels_offset save_summaries_secs save_interval_secs weight_decay "
    "num_epochs_per_decay seed",
    "at least 1": "num_preprocessing_threads num_clones num_readers log_every_n_steps batch_size "
    "train_image_size eval_image_size max_number_of_steps max_num_batches",
    "in [0, 1)": "label_smoothing moving_average_decay",
}


Gone = Sequence[tuple[str, str, str]]
"""Flags of the age of parameter servers: name, only value, what is there instead."""


def option(default: Any, help_text: str, choices: tuple[str, ...] | None = None) -> Any:
    """Make a field with a default, its explanation and perhaps the values it may have."""
    return field(default=default, metadata={"help": help_text, "choices": choices})


@dataclass(frozen=True)
class Input:
    """Which pictures, and how they are prepared; shared by training and evaluation."""

    dataset_name: str = option("imagenet", "module in slim_legacy/datasets, or auto")
    dataset_dir: str | None = option(None, "folder of the TFRecords (required)")
    labels_offset: int = option(0, "taken from every label, e.g. 1 to leave a background out")
    model_name: str = option("inception_v3", "inception_v4, mobilenet_v2_140 or tiny")
    preprocessing_name: str | None = option(None, "as for this network; model_name if not given")
    num_preprocessing_threads: int = option(4, "pictures decoded at a time")

    def __post_init__(self) -> None:
        """Raise UserError for a number that is out of its range."""
        for rule, names in _RULES.items():
            limits.check(
                self, rule, *(f"--{name}" for name in names.split() if hasattr(self, name))
            )


@dataclass(frozen=True)
class TrainOptions(Input):
    """What ``train_image_classifier.py`` takes."""

    gone: ClassVar[Gone] = (
        ("master", "", "training runs in this process; --num_clones uses several GPUs"),
        ("worker_replicas", "1", "--num_clones uses several GPUs of one machine"),
        ("num_ps_tasks", "0", "there are no parameter servers; --num_clones uses several GPUs"),
        ("task", "0", "there is one process; --num_clones uses several GPUs"),
        ("sync_replicas", "False", "clones are always in step; --num_clones uses several GPUs"),
        ("replicas_to_aggregate", "1", "all clones count; --num_clones uses several GPUs"),
        ("quantize_delay", "-1", "tf_classification/export_model.py quantizes a trained model"),
    )

    train_dir: str = option(_MODEL_DIR, "where checkpoints and logs go; continued if not empty")
    num_clones: int = option(1, "GPUs to train on, each with batch_size pictures a step")
    clone_on_cpu: bool = option(False, "use the CPU although there are GPUs")
    num_readers: int = option(4, "shards read at a time")
    log_every_n_steps: int = option(10, "steps between two lines of the log")
    save_summaries_secs: int = option(600, "seconds between summaries for TensorBoard")
    save_interval_secs: int = option(600, "seconds between checkpoints")
    dataset_split_name: str = option("train", "split to train on")
    weight_decay: float = option(0.00004, "weight of half the squared kernels in the loss")
    optimizer: str = option("rmsprop", "optimizer, with TensorFlow 1's arithmetic", OPTIMIZERS)
    adadelta_rho: float = option(0.95, "decay rate of adadelta")
    adagrad_initial_accumulator_value: float = option(0.1, "start of adagrad's accumulator")
    adam_beta1: float = option(0.9, "decay of adam's first moment")
    adam_beta2: float = option(0.999, "decay of adam's second moment")
    opt_epsilon: float = option(1.0, "epsilon of adadelta, adam and rmsprop")
    ftrl_learning_rate_power: float = option(-0.5, "learning rate power of ftrl")
    ftrl_initial_accumulator_value: float = option(0.1, "start of ftrl's accumulator")
    ftrl_l1: float = option(0.0, "l1 strength of ftrl")
    ftrl_l2: float = option(0.0, "l2 strength of ftrl")
    momentum: float = option(0.9, "momentum of momentum")
    rmsprop_momentum: float = option(0.9, "momentum of rmsprop")
    rmsprop_decay: float = option(0.9, "decay of rmsprop's mean of squares")
    learning_rate_decay_type: str = option("exponential", "how the rate falls", DECAYS)
    learning_rate: float = option(0.01, "initial learning rate")
    end_learning_rate: float = option(0.0001, "least rate of a polynomial decay")
    label_smoothing: float = option(0.0, "share of a label spread over all classes")
    learning_rate_decay_factor: float = option(0.94, "factor of each exponential decay")
    num_epochs_per_decay: float = option(2.0, "epochs after which the rate falls")
    moving_average_decay: float | None = option(None, "keep moving averages of all variables")
    batch_size: int = option(32, "pictures in a step, on each clone")
    train_image_size: int | None = option(
        None, "side of the pictures; the network's own if not given"
    )
    max_number_of_steps: int | None = option(None, "steps in all; without end if not given")
    checkpoint_path: str | None = option(
        None, "checkpoint or folder to fine-tune from; ignored if train_dir holds a checkpoint"
    )
    checkpoint_exclude_scopes: str | None = option(None, "scopes left random, by commas")
    trainable_scopes: str | None = option(None, "scopes to train, by commas; all if not given")
    ignore_missing_vars: bool = option(False, "leave what the checkpoint lacks random")
    seed: int = option(0, "(addition) seed of variables, order and distortions")


@dataclass(frozen=True)
class EvalOptions(Input):
    """What ``eval_image_classifier.py`` takes."""

    gone: ClassVar[Gone] = (
        ("master", "", "evaluation runs in this process"),
        ("quantize", "False", "tf_classification/export_model.py quantizes a trained model"),
    )

    batch_size: int = option(100, "pictures in a batch")
    max_num_batches: int | None = option(None, "batches to look at; all if not given")
    checkpoint_path: str = option(_MODEL_DIR, "checkpoint, or folder: its latest")
    eval_dir: str = option(_MODEL_DIR, "where results for TensorBoard go")
    dataset_split_name: str = option("test", "split to evaluate")
    moving_average_decay: float | None = option(None, "evaluate the moving averages")
    eval_image_size: int | None = option(
        None, "side of the pictures; the network's own if not given"
    )
