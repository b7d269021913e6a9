"""Which crops a model is asked about, as the commands that ask say it; needs no TensorFlow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from database_tools.core import flags, limits
from database_tools.core.crop_recipe import Geometry
from database_tools.core.detection_choice import LOWER
from database_tools.core.errors import UserError
from database_tools.core.flags import flag
from database_tools.remote.arguments import Folder


@dataclass(frozen=True, kw_only=True)
class CropsRequest:
    """Flags of these commands; raise UserError for values that cannot be, or not together.

    Attributes:
        crops_dir: folder of crops, a word of each command; None for whole pictures.
    """

    crops_dir: Path | None = None
    detections_json: Path | None = flag(
        "batch output of a detector: only crops of its boxes, in its order", "-d"
    )
    batch_size: int = flag("crops at a time (%(default)s)", default=32)
    num_workers: int | None = flag(
        "threads of this machine, at most one for each processor (default: that many)"
    )
    dask_scheduler: str | None = flags.scheduler()
    images_dir: Folder | None = flag(
        "folder of the pictures that --detections-json names",
        group="whole pictures (additions)",
    )
    square_crops: bool = flag("cut the smallest square around each box", default=False)
    padding: float | None = flag("cut a square around each box, larger by this factor")
    threshold: float = flag("least confidence of a box (%(default)s)", default=LOWER)
    detection_category: Sequence[str] = flag("of boxes that count (animal)", default=("animal",))
    detector_version: str | None = flag("for the crops' names (default: as --detections-json says)")

    def __post_init__(self) -> None:
        limits.check(self, "at least 1", "--batch-size", "--num-workers")
        limits.check(self, "in [0, 1]", "--threshold")
        limits.check(self, "a finite number of at least 1", "--padding")
        if self.square_crops and self.padding is not None:
            raise UserError("--square-crops does not go with --padding, which is of its own square")
        self._check_places()

    def _check_places(self) -> None:
        if (self.crops_dir is None) == (self.images_dir is None):
            raise UserError("give either the folder of crops or --images-dir")
        if self.images_dir is not None and self.detections_json is None:
            raise UserError("--images-dir needs --detections-json, which says where to cut")
        if self.images_dir is None and (self.square_crops or self.padding is not None):
            raise UserError("--square-crops and --padding are for --images-dir: crops are cut")
        if not self.root.is_dir():
            raise UserError(f"{self.root}: no such folder")
        if self.detections_json is not None and not self.detections_json.is_file():
            raise UserError(f"{self.detections_json}: no such detection file")

    @property
    def root(self) -> Path:
        """The folder of crops or pictures."""
        folder = self.crops_dir if self.images_dir is None else self.images_dir
        assert folder is not None  # one of them is given
        return folder

    @property
    def recipe(self) -> dict[str, Any]:
        """The fields of a crop recipe that flags ask for."""
        if self.square_crops:
            return {"geometry": Geometry.SQUARE, "padding": 1.0}
        if self.padding is not None:
            return {"geometry": Geometry.PADDED_WINDOW, "padding": self.padding}
        return {}
