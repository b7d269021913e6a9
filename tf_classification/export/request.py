"""What ``export_model.py`` is asked for, checked before TensorFlow is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from tf_classification.export.table import FORMATS


@dataclass(frozen=True)
class ExportRequest:
    """One call of the command.

    Attributes:
        source: a model bundle, or the params.json of a training run.
        ckpt_path: the run's checkpoint; None for a bundle.
        output_dir: folder for the files.
        formats: keys of ``FORMATS`` to write.
        dataset_dir: dataset whose validation crops are used, instead of the training's.
        cropped_images_dir: folder of its crops.
        tfrecords: folder of TFRecords, instead of these two.
        calibration_crops: how many crops int8 takes its ranges from.
        compared_crops: how many crops the formats are compared on.
    """

    source: Path
    ckpt_path: Path | None
    output_dir: Path
    formats: tuple[str, ...] = ()
    dataset_dir: Path | None = None
    cropped_images_dir: Path | None = None
    tfrecords: Path | None = None
    calibration_crops: int = 200
    compared_crops: int = 500

    def __post_init__(self) -> None:
        for rule, kept in self._rules().items():
            if not kept:
                raise UserError(rule)
        for name in self.formats:
            FORMATS[name].check(name)

    def _rules(self) -> dict[str, bool]:
        of_run = self.ckpt_path is not None
        return {
            f"{self.source}: no such file or folder": self.source.exists(),
            f"{self.source} is a file: give its checkpoint too, or a model bundle": (
                of_run or self.source.is_dir()
            ),
            f"{self.source} is a folder: a checkpoint goes with a params.json": not (
                of_run and self.source.is_dir()
            ),
            f"{self.source} is a model bundle already: give --format": bool(of_run or self.formats),
            "give --dataset-dir and --cropped-images-dir, or --tfrecords, not both": (
                (self.dataset_dir is None) == (self.cropped_images_dir is None)
                and not (self.dataset_dir and self.tfrecords)
            ),
            f"--calibration-crops must be at least 1, got {self.calibration_crops}": (
                self.calibration_crops >= 1
            ),
            f"--compared-crops must be at least 1, got {self.compared_crops}": (
                self.compared_crops >= 1
            ),
        }
