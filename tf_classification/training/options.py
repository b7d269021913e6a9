"""The flags of train_classifier.py, in groups; every default is ``TrainConfig``'s.

A flag that is not given leaves no trace: ``--resume`` must know what was said.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from database_tools.remote import arguments
from tf_classification.models.table import NETWORKS
from tf_classification.runs.config import (
    ALL_EPOCHS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    STRATEGIES,
    TrainConfig,
)


def add(parser: argparse.ArgumentParser) -> None:
    """Declare every flag that makes a ``TrainConfig``."""
    _original(parser)
    _data(parser.add_argument_group("data (new)"))
    _learning(parser.add_argument_group("learning (new)"))
    _machine(parser.add_argument_group("where and how to compute (new)"))


def _flag(group: Any, name: str, kind: Callable[[str], Any] | None, text: str, **more: Any) -> None:
    default = getattr(TrainConfig, name)
    shown = "" if default in (None, False) else f" (default {default})"
    if kind is not None:
        more["type"] = kind
    more["help"] = text + shown
    group.add_argument(f"--{name.replace('_', '-')}", default=argparse.SUPPRESS, **more)


def _original(group: argparse.ArgumentParser) -> None:
    text = "folder with classification_ds.csv, label_index.json, splits.json; or, alone, the"
    text += " COCO-style folder of make_classification_dataset.py"
    place: dict[str, Any] = {
        "type": arguments.folder_name,
        "nargs": "?",
        "default": argparse.SUPPRESS,
    }
    group.add_argument("dataset_dir", help=text, **place)
    text = "folder of the crops"
    group.add_argument("cropped_images_dir", help=text, **place)
    _flag(group, "multilabel", None, "refused: not supported", action="store_true")
    group.add_argument(
        "-m",
        "--model-name",
        default=argparse.SUPPRESS,
        choices=NETWORKS,
        metavar="NAME",
        help=f"{', '.join(NETWORKS)} (default {TrainConfig.model_name})",
    )
    text = "start from ImageNet's weights, or from a model bundle, .keras or .weights.h5"
    _flag(group, "pretrained", None, text, nargs="?", const=True, metavar="PATH")
    text = "train the last layer only, in all epochs or in the first so many"
    more = {"nargs": "?", "const": ALL_EPOCHS, "metavar": "EPOCHS"}
    _flag(group, "finetune", int, text, **more)
    text = "draw all labels equally often, whatever their number of crops"
    _flag(group, "label_weighted", None, text, action="store_true")
    text = "draw crops by the detector's confidence, calibrated by the file if there is one"
    _flag(group, "weight_by_detection_conf", None, text, nargs="?", const=True, metavar="NPZ")
    _flag(group, "epochs", int, "most passes over the training crops")
    _flag(group, "batch_size", int, "crops per step, over all replicas")
    _flag(group, "lr", float, "learning rate at the start (default 0.016 x batch size / 256)")
    _flag(group, "weight_decay", float, "L2; decoupled with --optimizer adamw")
    _flag(group, "num_workers", int, "threads that read and decode, 0: as many as cores")
    _flag(
        group, "logdir", arguments.output_name, "each run makes a folder named by its time in here"
    )
    text = "show so many of each label's surest and worst examples in TensorBoard"
    _flag(group, "log_extreme_examples", int, text, metavar="K")
    _flag(group, "seed", int, "of every draw (default: drawn, and kept in params.json)")


def _data(group: Any) -> None:
    text = "read a TFRecord dataset of make_classification_dataset.py, instead of the two folders"
    _flag(group, "tfrecords", arguments.folder_name, text, metavar="DIR")
    text = "with the output of make_classification_dataset.py: part of the training crops, by"
    _flag(group, "val_fraction", float, f"{text} location, to validate on")
    text = "leave out labels with fewer crops to train on"
    _flag(group, "min_crops", int, text, metavar="N")
    text = "0: labels as often as they are, 1: equally often (--label-weighted)"
    _flag(group, "sampling_power", float, text)
    text = "draw labels with tf.data.Dataset.sample_from_datasets (slower, at most 200 labels)"
    _flag(group, "sample_from_datasets", None, text, action="store_true")
    _flag(group, "max_per_location", int, "most crops of a label at one location in an epoch")
    _flag(group, "image_size", int, "side of the input in pixels (default: the network's own)")
    text = "of EfficientNet B0-B7's strided convolutions (default: same, or --pretrained BUNDLE's)"
    _flag(group, "conv_padding", None, text, choices=("same", "symmetric"))
    text = "full: the README's; light: for small sets, upright, often grey; none"
    _flag(group, "augmentation", None, text, choices=("full", "light", "none"))
    _flag(group, "mixup", float, "alpha of MixUp, 0: none")
    _flag(group, "cutmix", float, "alpha of CutMix, 0: none")
    _flag(group, "rand_augment", int, "RandAugment operations per picture, 0: none")


def _learning(group: Any) -> None:
    text = "default: rmsprop, for ResNet sgd"
    _flag(group, "optimizer", None, text, choices=OPTIMIZERS)
    text = "decay: the README's, x 0.97^(1/2.4) per epoch (sgd: x 0.1 every 8); cosine: to 0"
    _flag(group, "lr_schedule", None, text, choices=SCHEDULES)
    _flag(group, "warmup_epochs", float, "with cosine: epochs in which the rate rises to --lr")
    _flag(group, "label_smoothing", float, "part of each target spread over all labels")
    _flag(group, "clip_norm", float, "largest norm of the gradients of the global batch")
    _flag(group, "ema", float, "evaluate and keep averaged weights, with this momentum")
    _flag(group, "dropout", float, "rate before the last layer (default: the network's own)")
    _flag(group, "patience", int, "stop after so many epochs without better validation accuracy")


def _machine(group: Any) -> None:
    text = "one device, mirrored GPUs, or multiworker (TF_CONFIG or Slurm)"
    _flag(group, "strategy", None, text, choices=STRATEGIES)
    text = "try several replicas on one CPU: make so many devices of it"
    _flag(group, "logical_cpus", int, text, metavar="N")
    text = "compute in half precision; alone: float16"
    more = {"nargs": "?", "const": PRECISIONS[0], "choices": PRECISIONS}
    _flag(group, "mixed_precision", None, text, **more)
    _flag(group, "jit_compile", None, "compile with XLA (GPU only)", action="store_true")
    _flag(group, "steps_per_call", int, "steps handed to TensorFlow at once")
    text = "steps between resume points within an epoch, 0: at its end only"
    _flag(group, "save_steps", int, text)
