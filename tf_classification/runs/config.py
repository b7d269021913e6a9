"""What a training run is: every choice that a user can make, with its default, once.

``params.json`` in the log folder is this table: first the keys of the original script in its
order, then what is new, last what the run found in its dataset.  ``--resume`` reads it back.
Paths are absolute there, as it is read from other folders; a bundle, which is passed on, has
``portable`` parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from database_tools import remote
from database_tools.core import limits, taxa
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError, UserError
from database_tools.core.flags import argument, flag
from database_tools.durable import files
from database_tools.remote.arguments import FolderName, OutputName
from tf_classification.models.table import NETWORKS

OPTIMIZERS = ("rmsprop", "sgd", "adamw")
SCHEDULES = ("decay", "cosine")
STRATEGIES = ("auto", "one", "mirrored", "multiworker")
PRECISIONS = ("float16", "bfloat16")
ALL_EPOCHS = -1
PARAMS = "params.json"
BUNDLE = "bundle"
"""Folder within a run's for the versions of its bundle."""

# What may differ when a run is resumed, because the arithmetic does not depend on it.
_FREE = ("strategy", "logical_cpus", "steps_per_call", "num_workers", "save_steps", "logdir")
# What may have moved: the run knows its dataset by content.  The others are files.
_DATASET = {
    "dataset_dir": "DATASET_DIR",
    "cropped_images_dir": "CROPPED_IMAGES_DIR",
    "tfrecords": "--tfrecords",
}
_FILES = {"pretrained": "--pretrained", "weight_by_detection_conf": "--weight-by-detection-conf"}
_PATHS = (*_DATASET, *_FILES, "logdir")
# What may grow, so that a finished run goes on.
_LENGTHS = ("epochs", "patience")
# What numbers must be.
_LIMITS = {
    "at least 0": ("--min-crops", "--weight-decay"),
    "at least 1": ("--epochs", "--batch-size", "--steps-per-call"),
    "at least 32": ("--image-size",),
    "above 0": ("--lr",),
    "above 0 and below 1": ("--val-fraction",),
    "in [0, 1)": ("--label-smoothing", "--ema", "--dropout"),
    "in [0, 1]": ("--sampling-power",),
}
# What the run found, and a bundle says in its own places.
_FOUND = ("labels", "crop_recipe", "taxonomy")


@dataclass(frozen=True)
class TrainConfig:
    """One training run: flags of ``train_classifier.py``, and what the run found.

    Attributes:
        labels: the dataset's, in the order of the network's outputs.
        dataset_sha256: of what the run learns from, see ``data.fingerprint``.
        picture_hashes: SHA-256 of the ``picture_hashes.npz`` that the dataset keeps, by which
            audit_splits tells whether a picture was in it; None if it keeps none.
        crop_recipe: how the dataset's crops were made, as ``core.crop_recipe`` stores it; None
            if the dataset does not say.
        crop_shape: how large and long the crops are, see ``data.crop_shape``; None if unknown.
        taxonomy: label to taxa as ``core.taxa`` stores them; None if the dataset does not say.
        head: how ``train_head.py`` learnt the last layer; None if this was another training.
    """

    dataset_dir: FolderName | None = argument(
        "folder with classification_ds.csv, label_index.json, splits.json; or, alone, the "
        "COCO-style folder of make_classification_dataset.py",
        nargs="?",
    )
    cropped_images_dir: FolderName | None = argument("folder of the crops", nargs="?")
    multilabel: bool = flag("refused: not supported", default=False)
    model_name: str = flag(
        f"{', '.join(NETWORKS)} (default %(default)s)",
        "-m",
        default="efficientnet-b0",
        choices=NETWORKS,
        metavar="NAME",
    )
    pretrained: bool | str = flag(
        "start from ImageNet's weights, or from a model bundle, .keras or .weights.h5",
        default=False,
        nargs="?",
        const=True,
        metavar="PATH",
    )
    finetune: int = flag(
        "train the last layer only, in all epochs or in the first so many",
        default=0,
        nargs="?",
        const=ALL_EPOCHS,
        metavar="EPOCHS",
    )
    label_weighted: bool = flag(
        "draw all labels equally often, whatever their number of crops", default=False
    )
    weight_by_detection_conf: bool | str = flag(
        "draw crops by the detector's confidence, calibrated by the file if there is one",
        default=False,
        nargs="?",
        const=True,
        metavar="NPZ",
    )
    epochs: int = flag("most passes over the training crops (default %(default)s)", default=50)
    batch_size: int = flag("crops per step, over all replicas (default %(default)s)", default=256)
    lr: float | None = flag("learning rate at the start (default 0.016 x batch size / 256)")
    weight_decay: float = flag(
        "L2; decoupled with --optimizer adamw (default %(default)s)", default=1e-5
    )
    num_workers: int = flag("threads that read and decode, 0: as many as cores", default=0)
    logdir: OutputName = flag(
        "each run makes a folder named by its time in here (default %(default)s)",
        default=".",
    )
    log_extreme_examples: int = flag(
        "show so many of each label's surest and worst examples in TensorBoard",
        default=0,
        metavar="K",
    )
    seed: int | None = flag("of every draw (default: drawn, and kept in params.json)")
    tfrecords: FolderName | None = flag(
        "read a TFRecord dataset of make_classification_dataset.py, instead of the two folders",
        metavar="DIR",
        group="data (new)",
    )
    val_fraction: float = flag(
        "with the output of make_classification_dataset.py: part of the training crops, by "
        "location, to validate on (default %(default)s)",
        default=0.15,
    )
    min_crops: int = flag("leave out labels with fewer crops to train on", default=0, metavar="N")
    sampling_power: float | None = flag(
        "0: labels as often as they are, 1: equally often (--label-weighted)"
    )
    sample_from_datasets: bool = flag(
        "draw labels with tf.data.Dataset.sample_from_datasets (slower, at most 200 labels)",
        default=False,
    )
    max_per_location: int | None = flag("most crops of a label at one location in an epoch")
    image_size: int | None = flag("side of the input in pixels (default: the network's own)")
    conv_padding: str | None = flag(
        "of EfficientNet B0-B7's strided convolutions (default: same, or --pretrained BUNDLE's)",
        choices=("same", "symmetric"),
    )
    augmentation: str = flag(
        "full: the README's; light: for small sets, upright, often grey; none "
        "(default %(default)s)",
        default="full",
        choices=("full", "light", "none"),
    )
    mixup: float = flag("alpha of MixUp, 0: none", default=0.0)
    cutmix: float = flag("alpha of CutMix, 0: none", default=0.0)
    rand_augment: int = flag("RandAugment operations per picture, 0: none", default=0)
    optimizer: str | None = flag(
        "default: rmsprop, for ResNet sgd", choices=OPTIMIZERS, group="learning (new)"
    )
    lr_schedule: str = flag(
        "decay: the README's, x 0.97^(1/2.4) per epoch (sgd: x 0.1 every 8); cosine: to 0 "
        "(default %(default)s)",
        default="decay",
        choices=SCHEDULES,
    )
    warmup_epochs: float = flag("with cosine: epochs in which the rate rises to --lr", default=0.0)
    label_smoothing: float = flag("part of each target spread over all labels", default=0.0)
    clip_norm: float | None = flag("largest norm of the gradients of the global batch")
    ema: float = flag("evaluate and keep averaged weights, with this momentum", default=0.0)
    dropout: float | None = flag("rate before the last layer (default: the network's own)")
    patience: int = flag(
        "stop after so many epochs without better validation accuracy (default %(default)s)",
        default=8,
    )
    strategy: str = flag(
        "one device, mirrored GPUs, or multiworker (TF_CONFIG or Slurm) (default %(default)s)",
        default="auto",
        choices=STRATEGIES,
        group="where and how to compute (new)",
    )
    logical_cpus: int = flag(
        "try several replicas on one CPU: make so many devices of it", default=0, metavar="N"
    )
    mixed_precision: str | None = flag(
        "compute in half precision; alone: float16",
        nargs="?",
        const=PRECISIONS[0],
        choices=PRECISIONS,
    )
    jit_compile: bool = flag("compile with XLA (GPU only)", default=False)
    steps_per_call: int = flag(
        "steps handed to TensorFlow at once (default %(default)s)", default=1
    )
    save_steps: int = flag(
        "steps between resume points within an epoch, 0: at its end only (default %(default)s)",
        default=1000,
    )
    labels: tuple[str, ...] | None = None
    dataset_sha256: str | None = None
    picture_hashes: str | None = None
    crop_recipe: Mapping[str, Any] | None = None
    crop_shape: Mapping[str, float] | None = None
    taxonomy: Mapping[str, Any] | None = None
    head: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self._check("crop_recipe", CropRecipe.from_json)
        self._check("taxonomy", taxa.from_json)
        for rule, kept in self._rules().items():
            if not kept:
                raise UserError(rule)
        for rule, flags in _LIMITS.items():
            limits.check(self, rule, *flags)

    def _check(self, name: str, read: Callable[[object], object]) -> None:
        """Refuse what a dataset has handed on and nobody could read back."""
        try:
            if (stored := getattr(self, name)) is not None:
                read(stored)
        except ValueError as error:
            raise UserError(f"{name}: {error}") from None

    def _rules(self) -> dict[str, bool]:
        return {
            "--multilabel: several labels for one crop is not supported, and was not in the"
            " original script either": not self.multilabel,
            f"--model-name must be one of {', '.join(NETWORKS)}, got {self.model_name}": (
                self.model_name in NETWORKS
            ),
            "give DATASET_DIR and CROPPED_IMAGES_DIR, or --tfrecords DIR, not both": (
                (self.tfrecords is None) == bool(self.dataset_dir)
                and not (self.tfrecords and self.cropped_images_dir)
            ),
            f"--finetune must be at least 0, got {self.finetune}": self.finetune >= ALL_EPOCHS,
            "--label-weighted means --sampling-power 1: give one of them": not (
                self.label_weighted and self.sampling_power is not None
            ),
            f"--clip-norm must be above 0, got {self.clip_norm}": (self.clip_norm or 1) > 0,
            "--warmup-epochs must be at least 0 and goes with --lr-schedule cosine": (
                self.warmup_epochs == 0 or (self.warmup_epochs > 0 and self.lr_schedule == "cosine")
            ),
        }

    @property
    def power(self) -> float:
        """Exponent of the sampling by label."""
        if self.sampling_power is None:
            return 1.0 if self.label_weighted else 0.0
        return self.sampling_power

    @property
    def learning_rate(self) -> float:
        """Learning rate at the start."""
        return 0.016 * self.batch_size / 256 if self.lr is None else self.lr

    @property
    def frozen_epochs(self) -> int:
        """Number of epochs in which the body is frozen."""
        return self.epochs if self.finetune == ALL_EPOCHS else min(self.finetune, self.epochs)

    @property
    def size(self) -> int:
        """Side of the network's input in pixels."""
        return self.image_size or NETWORKS[self.model_name].image_size

    @property
    def optimizer_name(self) -> str:
        """Name of the optimizer."""
        return self.optimizer or NETWORKS[self.model_name].optimizer

    def check_inputs(self, *, begun: bool = False) -> None:
        """Refuse a path that leads nowhere; reads nothing, so it can be asked at once.

        Args:
            begun: whether the paths are those that a run began with.
        """
        # A run that goes on has its weights from its state.
        named = _DATASET | {k: v for k, v in _FILES.items() if not (begun and k == "pretrained")}
        for name, said in named.items():
            path = getattr(self, name)
            if isinstance(path, str) and not remote.path(path).exists():
                rule = "named by the run, is not here" if begun else "no such file or folder"
                raise UserError(f"{said} {path}{', ' if begun else ': '}{rule}")
            if isinstance(path, str) and name in _DATASET and remote.path(path).is_file():
                raise UserError(f"{said} {path}: a file, not a folder")  # an expert's answers, too

    def write(self, logdir: Path) -> None:
        """Write params.json."""
        files.write_json(logdir / PARAMS, asdict(self))

    def absolute(self) -> TrainConfig:
        """Return the same with absolute paths."""
        return self._with_paths(lambda path: str(remote.path(path).absolute()))

    def portable(self) -> dict[str, Any]:
        """Return what a bundle keeps: of a path the last name only, nothing that it says itself."""
        table = asdict(self._with_paths(lambda path: Path(path).name))
        return {name: value for name, value in table.items() if name not in _FOUND}

    def _with_paths(self, change: Callable[[str], str]) -> TrainConfig:
        paths = {name: getattr(self, name) for name in _PATHS}
        changed: dict[str, Any] = {
            name: change(path) for name, path in paths.items() if isinstance(path, str)
        }
        return replace(self, **changed)

    def resumed(self, said: Mapping[str, Any]) -> TrainConfig:
        """Return what a run that began like this goes on with, if the user now says ``said``.

        Raises:
            UserError: if something is said that would change the result.
        """
        said = {name: value for name, value in said.items() if value != getattr(self, name)}
        for name, value in said.items():
            if not self._may_become(name, value):
                began = f"{name.replace('_', '-')} {getattr(self, name)}"
                raise UserError(f"--resume: the run began with {began}, not {value}")
        if "epochs" in said and self.lr_schedule == "cosine":
            rule = "the rate of a cosine falls to 0 at its last epoch; begin a new run"
            raise UserError(f"--resume: --epochs {said['epochs']}: {rule}")
        return replace(self, **said)

    def _may_become(self, name: str, value: Any) -> bool:
        began = getattr(self, name)
        if name in _LENGTHS:
            return bool(value > began)
        moved = name in (*_DATASET, *_FILES) and isinstance(began, str) and isinstance(value, str)
        return name in _FREE or moved


def read(path: Path) -> TrainConfig:
    """Read a params.json; raise FormatError if a key is unknown or a value impossible."""
    table = files.read_json(path)
    if not isinstance(table, dict):
        raise FormatError(path, "top level", "expected an object")
    if "padding" in table:  # its name until padding became a crop's
        table["conv_padding"] = table.pop("padding")
    known = {field.name for field in fields(TrainConfig)}
    if unknown := sorted(set(table) - known):
        raise FormatError(path, unknown[0], "is not a parameter of this version")
    if isinstance(table.get("labels"), list):
        table["labels"] = tuple(table["labels"])
    try:
        return TrainConfig(**table)
    except (UserError, TypeError) as error:
        raise FormatError(path, "", str(error)) from None
