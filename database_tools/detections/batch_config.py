"""What a batch of pictures is detected with, and what is written."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from database_tools import detectors
from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag, scheduler
from database_tools.core.reasons import MAX_PIXELS
from database_tools.durable import spelling
from database_tools.formats import megadetector_json
from database_tools.remote.arguments import Folder, OutputFile

FORMAT_VERSIONS = (megadetector_json.FORMAT_VERSION, megadetector_json.OLDEST_VERSION)


@dataclass(frozen=True)
class BatchConfig:
    """What to detect, and what to write: the flags of the command.

    Raises:
        UserError: if they cannot be.
    """

    detector_file: Path = argument("frozen graph, SavedModel folder or ONNX file")
    image_file: Folder = argument("folder of pictures, JSON list of paths, or one picture")
    output_file: OutputFile = argument("JSON file to write")
    recursive: bool = flag("look below the folder too", default=False)
    output_relative_filenames: bool = flag(
        "write names relative to the folder, not as paths", default=False
    )
    threshold: float = flag(
        "boxes of a higher confidence are written (default: %(default)s)", default=0.1
    )
    checkpoint_frequency: int = flag(
        "save after N pictures at the latest; -1 is after each batch, the default, and larger "
        "numbers do not save less often",
        default=-1,
        metavar="N",
    )
    resume_from_checkpoint: Path | None = flag(
        "checkpoint of the original tool: its pictures are not detected again", metavar="JSON"
    )
    ncores: int = flag("cores to compute on (default: all)", default=0)
    format_version: str = flag(
        "1.0 writes the keys, digits and words of the original (default: %(default)s)",
        default=FORMAT_VERSIONS[0],
        choices=FORMAT_VERSIONS,
        group="additions",
    )
    detection_store: Path | None = flag(
        "folder that keeps what is found, for other runs on the same pictures too (default: "
        ".OUTPUT_FILE.store beside the output)",
        metavar="FOLDER",
    )
    threads: int = flag("that decode (default: all cores)", default=os.cpu_count() or 1)
    batch_size: int = flag(
        "most pictures to compute together (default: %(default)s)", default=detectors.BATCH_SIZE
    )
    max_pixels: int = flag(
        "leave out pictures of more pixels (default: %(default)s)", default=MAX_PIXELS
    )
    dask_scheduler: str | None = scheduler()
    strict: bool = flag(
        "end with status 2 if pictures could not be read, after everything else is done",
        default=False,
    )

    def __post_init__(self) -> None:
        limits.check(self, "above 0 and at most 1", "--threshold")
        limits.check(self, "at least 1", "--threads", "--batch_size", "--max_pixels")
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
        if spelling.same_file(self.output_file, self.image_file):
            raise UserError(f"{self.output_file}: is the list of pictures; write to another file")

    @property
    def store(self) -> Path:
        """Folder that keeps what is found."""
        own = self.output_file.with_name(f".{self.output_file.name}.store")
        return self.detection_store or own
