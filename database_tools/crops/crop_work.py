"""The work of a build on one picture: decode it once, cut and encode all its crops.

Pure: the same job gives the same result in any process and on any machine.  Nothing is written
here, so a worker that outlives its build for a moment can harm nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from database_tools import imaging
from database_tools.core import crop_windows
from database_tools.imaging import crops


@dataclass(frozen=True, slots=True)
class Job:
    """One picture and where to cut it.

    Attributes:
        path: of the picture.
        boxes: (N, 4) float64, rows (x, y, width, height) in [0, 1].
        padding: side of a crop over the longer side of its box.
        max_pixels: of a picture that is still decoded.
    """

    path: str
    boxes: npt.NDArray[np.float64]
    padding: float
    max_pixels: int


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of a job.

    Attributes:
        crops: one for each box; None for a box without area.  Empty if the picture cannot be
            read.
        reason: why it cannot, None if it can.
    """

    crops: tuple[crops.Crop | None, ...] = ()
    reason: str | None = None


def cut(job: Job) -> Cut:
    """Do the job; a picture that cannot be read is a result, not an error."""
    try:
        picture = imaging.open_upright(job.path, job.max_pixels)
    except imaging.UnreadableImage as error:
        return Cut(reason=error.reason)
    windows = crop_windows.padded(job.boxes, *picture.size, job.padding)
    suffix = job.path[job.path.rfind(".") :] if "." in job.path.rpartition("/")[2] else ""
    return Cut(
        tuple(
            crops.cut(picture, tuple(window), suffix) if has_area else None
            for window, has_area in zip(
                windows.edges.tolist(), windows.have_area.tolist(), strict=True
            )
        )
    )
