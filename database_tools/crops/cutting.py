"""The work on one picture: decode it once, cut and encode all its crops.

Pure and total: the same job gives the same result in any process and on any machine, and whatever
is wrong with a picture, a box or a crop is a reason in it, not an exception.  Nothing is written
here, so a worker that outlives its build for a moment can harm nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from database_tools import imaging
from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe, FileKind
from database_tools.imaging import crops

_QUALITY_OF_A_COPY = 100


@dataclass(frozen=True, slots=True)
class Job:
    """One picture and where to cut it.

    Attributes:
        boxes: (N, 4) float64, rows (x, y, width, height) in [0, 1].
        max_pixels: of a picture that is still decoded, and of a crop that is still made.
        records: whether each crop is wanted as JPEG, whatever kind its file is.
        files: whether the crops' files are wanted.
    """

    path: str
    boxes: npt.NDArray[np.float64]
    recipe: CropRecipe
    max_pixels: int
    records: bool = False
    files: bool = True


@dataclass(frozen=True, slots=True)
class Crop:
    """An encoded crop.

    Attributes:
        file: content of the crop's file; empty if not wanted.
        jpeg: content for a record, the same object as ``file`` where that is a JPEG, else of
            quality 100; empty if not wanted.
    """

    width: int
    height: int
    file: bytes
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """What became of a job.

    Attributes:
        crops: for each box its crop, or why there is none.  Empty if the picture cannot be read.
        reason: why it cannot, None if it can.
    """

    crops: tuple[Crop | str, ...] = ()
    reason: str | None = None


def cut(job: Job) -> Cut:
    """Do the job."""
    try:
        picture = imaging.open_upright(job.path, job.max_pixels)
    except imaging.UnreadableImage as error:
        return Cut(reason=error.reason)
    return Cut(of_picture(job, picture))


def of_picture(job: Job, picture: Image.Image) -> tuple[Crop | str, ...]:
    """Do the job on its picture, which is decoded already; return each box's crop or reason."""
    windows = job.recipe.windows(job.boxes, *picture.size)
    rows = zip(windows.edges.tolist(), windows.sizes.tolist(), windows.have_area, strict=True)
    return tuple(
        _crop(job, picture, tuple(edges), tuple(size)) if has_area else reasons.NO_AREA
        for edges, size, has_area in rows
    )


def cut_all(jobs: tuple[Job, ...]) -> tuple[Cut, ...]:
    """Do the jobs of a unit of pictures."""
    return tuple(map(cut, jobs))


def _crop(
    job: Job, picture: Image.Image, window: tuple[int, int, int, int], size: tuple[int, int]
) -> Crop | str:
    # A square around a panorama may be far larger than the panorama.
    if size[0] * size[1] > job.max_pixels:
        return reasons.CROP_TOO_LARGE
    image = crops.take(picture, window, size)
    kind = crops.kind_of(job.path) if job.recipe.file is FileKind.AS_PICTURE else crops.JPEG
    file = crops.encode(image, kind, job.recipe.quality) if job.files or kind == crops.JPEG else b""
    jpeg = file if kind == crops.JPEG else b""
    if job.records and kind != crops.JPEG:
        jpeg = crops.encode(image, crops.JPEG, _QUALITY_OF_A_COPY)
    if file is None or jpeg is None:
        return reasons.NOT_ENCODABLE
    return Crop(*image.size, file, jpeg)
