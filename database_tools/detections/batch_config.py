"""What a batch of pictures is detected with, and what is written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from database_tools import detectors
from database_tools.core.errors import UserError
from database_tools.core.reasons import MAX_PIXELS
from database_tools.durable import spelling
from database_tools.formats import megadetector_json

FORMAT_VERSIONS = (megadetector_json.FORMAT_VERSION, megadetector_json.OLDEST_VERSION)


@dataclass(frozen=True)
class BatchConfig:
    """What to detect, and what to write; flags of the command, by the same names.

    Raises:
        UserError: if they cannot be.
    """

    detector_file: Path
    image_file: Path
    output_file: Path
    recursive: bool = False
    output_relative_filenames: bool = False
    threshold: float = 0.1
    checkpoint_frequency: int = -1
    resume_from_checkpoint: Path | None = None
    ncores: int = 0
    format_version: str = FORMAT_VERSIONS[0]
    detection_store: Path | None = None
    threads: int = os.cpu_count() or 1
    batch_size: int = detectors.BATCH_SIZE
    max_pixels: int = MAX_PIXELS
    dask_scheduler: str | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise UserError(f"--threshold must be above 0 and at most 1, got {self.threshold}")
        for name in ("threads", "batch_size", "max_pixels"):
            if (value := getattr(self, name)) < 1:
                raise UserError(f"--{name} must be at least 1, got {value}")
        if self.ncores < 0:
            raise UserError(f"--ncores must be at least 0, for all, got {self.ncores}")
        if self.ncores and self.dask_scheduler is not None:
            raise UserError("--ncores is for this machine: leave it out with --dask_scheduler")
        if self.checkpoint_frequency != -1 and self.checkpoint_frequency < 1:
            rule = "must be -1 or at least 1"
            raise UserError(f"--checkpoint_frequency {rule}, got {self.checkpoint_frequency}")
        if self.output_relative_filenames and not self.image_file.is_dir():
            raise UserError(f"--output_relative_filenames: {self.image_file} is no folder")
        self._check_output()

    def _check_output(self) -> None:
        if self.output_file.suffix != ".json":
            raise UserError(f"{self.output_file}: the output file must end in .json")
        if not self.output_file.parent.is_dir():
            raise UserError(f"{self.output_file}: no such folder to write to")
        if self.output_file.is_dir():
            raise UserError(f"{self.output_file}: is a folder, expected a file to write")
        if spelling.same_file(self.output_file, self.image_file):
            raise UserError(f"{self.output_file}: is the list of pictures; write to another file")

    @property
    def store(self) -> Path:
        """Folder that keeps what is found."""
        own = self.output_file.with_name(f".{self.output_file.name}.store")
        return self.detection_store or own
