"""What ``make_classification_dataset.py`` is asked to do, and which requests make no sense.

Light to import, as the command takes its defaults from here.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.reasons import MAX_PIXELS

SKIP, ALL = "skip", "all"

MISSING_LOCATION = ("error", "drop", "together", "each")
"""What may be done with pictures that have no location."""


@dataclass(frozen=True)
class BuildConfig:
    """What to build; flags of the command, by the same names."""

    input_json: Path
    image_dir: Path
    frozen_graph: str
    coco_style_output: Path | None = None
    tfrecords_output: Path | None = None
    location_key: str = "location"
    exclude_categories: Sequence[str] = ()
    use_detection_file: Path | None = None
    strip_prefix: str | None = None
    detection_store: Path | None = None
    padding_factor: float = 1.3 * 1.3
    test_fraction: float = 0.2
    ims_per_record: int = 200
    detection_threshold: float = 0.5
    multiple_detections: str = SKIP
    detection_category: Sequence[str] = ("animal",)
    splits_json: Path | None = None
    missing_location: str = "error"
    every_label_in_train: bool = False
    max_pixels: int = MAX_PIXELS
    workers: int = os.cpu_count() or 1
    dask_scheduler: str | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if self.coco_style_output is None and self.tfrecords_output is None:
            raise UserError("at least one of --coco_style_output and --tfrecords_output is needed")
        if not (self.padding_factor >= 1 and math.isfinite(self.padding_factor)):
            rule = "must be a finite number of at least 1"
            raise UserError(f"--padding_factor {rule}, got {self.padding_factor}")
        for name in ("test_fraction", "detection_threshold"):
            if not 0 <= (value := getattr(self, name)) <= 1:
                raise UserError(f"--{name} must be in [0, 1], got {value}")
        for name in ("ims_per_record", "max_pixels", "workers"):
            if (value := getattr(self, name)) < 1:
                raise UserError(f"--{name} must be at least 1, got {value}")
        if self.splits_json is not None and self.test_fraction != BuildConfig.test_fraction:
            raise UserError("--splits_json says which locations test: leave out --test_fraction")
        if self.splits_json is not None and self.every_label_in_train:
            raise UserError("--splits_json is no draw: leave out --every_label_in_train")
        if not self.image_dir.is_dir():
            raise UserError(f"{self.image_dir}: no such folder of images")

    @property
    def detector(self) -> Path | None:
        """File or folder of the detector, None for none."""
        return None if self.frozen_graph == "-" else Path(self.frozen_graph)
