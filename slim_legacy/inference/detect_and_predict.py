"""Detect animals in whole pictures, classify each, and draw both into a copy.

``a.jpg`` becomes ``a_detections.jpg`` beside it, ``a.gif`` ``a.gif_detections.jpg``: upright,
without EXIF. Boxes of categories that were not asked for, people among them, are neither
classified nor drawn.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from database_tools import detectors, imaging
from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.core.detection_choice import Rule, choose, resolve
from database_tools.core.detections import Failure
from database_tools.core.errors import UserError
from database_tools.core.names import PICTURE_ENDINGS
from database_tools.crops import cutting
from database_tools.durable import files
from slim_legacy.inference import predictions
from tf_classification.predictor import Predictor

log = logging.getLogger(__name__)

SUFFIX = "_detections"
_KEPT = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG"}
"""Endings that what is drawn keeps; the others' pictures become JPEG."""

_COLOUR = (255, 200, 0)

DEFAULT_RECIPE = CropRecipe.of_2019(1.6)
"""For classifiers that do not say how their crops were made."""

Names = Sequence[tuple[str, float]]
Progress = Callable[[Iterable[Path]], Iterable[Path]]


@dataclass(frozen=True)
class Drawing:
    """What is drawn.

    Attributes:
        categories: names or ids of the detector's categories; others are left alone.
        threshold: least confidence of a box, which counts.
        recipe: how crops are cut and encoded.
        names: how many of the most likely classes stand above a box.
    """

    categories: Sequence[str] = ("animal",)
    threshold: float = 0.85
    recipe: CropRecipe = DEFAULT_RECIPE
    names: int = 3


def asked_recipe(padding: float | None) -> dict[str, Any]:
    """Return the fields of the recipe that ``--padding_factor`` asks for."""
    if padding is None:
        return {}
    return {"geometry": Geometry.PADDED_WINDOW, "padding": padding}


def pictures(folder: Path, recursive: bool) -> list[Path]:
    """List the pictures of a folder, sorted, without those that were written by us.

    Raises:
        UserError: if there is no such folder or no picture in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    found = folder.rglob("*") if recursive else folder.iterdir()
    chosen = sorted(
        f for f in found if f.suffix.lower() in PICTURE_ENDINGS and not f.stem.endswith(SUFFIX)
    )
    if not chosen:
        raise UserError(f"{folder}: no picture ({', '.join(PICTURE_ENDINGS)})")
    return chosen


def run(
    detector: detectors.Detector,
    classifier: Predictor,
    images: Sequence[Path],
    drawing: Drawing,
    progress: Progress = iter,
) -> list[Path]:
    """Annotate pictures and return the files written; one that fails is logged and left out.

    Raises:
        UserError: if none could be annotated.
    """
    rule = Rule(resolve(drawing.categories, detector.categories), drawing.threshold, several=True)
    written = []
    for path in progress(images):
        try:
            written.append(_annotate(path, detector, classifier, rule, drawing))
        except imaging.UnreadableImage as error:
            log.warning("left out: %s: %s", path, error.reason)
    if not written:
        raise UserError("no picture could be annotated")
    if len(written) < len(images):
        log.warning("%d of %d pictures were left out", len(images) - len(written), len(images))
    return written


def _annotate(
    path: Path, detector: detectors.Detector, classifier: Predictor, rule: Rule, drawing: Drawing
) -> Path:
    picture = imaging.open_upright(path)
    (found,) = detector.detect([np.array(picture)])
    if isinstance(found, Failure):
        raise imaging.UnreadableImage(found.reason)
    chosen = choose(found, rule)
    if not isinstance(chosen, str):
        for box, names in classify(path, picture, chosen.boxes, classifier, drawing):
            _draw(picture, box * [*picture.size, *picture.size], names)
    kind = _KEPT.get(path.suffix.lower())
    # a.gif stays apart from a.jpg
    output = path.with_stem(path.stem + SUFFIX) if kind else Path(f"{path}{SUFFIX}.jpg")
    content = io.BytesIO()
    picture.save(content, kind or "JPEG", quality=90)
    files.write_bytes(output, content.getvalue())
    return output


def classify(
    path: Path,
    picture: Image.Image,
    boxes: npt.NDArray[np.float64],
    classifier: Predictor,
    drawing: Drawing,
) -> list[tuple[npt.NDArray[np.float64], Names]]:
    """Ask about each box of a picture as about a crop of a dataset: cut and encoded like one.

    Args:
        path: of the picture; its name decides the kind of file that a crop is.
        picture: decoded, upright; it is cut before anything is drawn into it.
        boxes: (N, 4), rows (x, y, width, height) in [0, 1].
        classifier: to ask.
        drawing: with the recipe of the crops.

    Returns:
        Boxes with their most likely names; those of which no crop can be made are left out.
    """
    job = cutting.Job(
        str(path), boxes, drawing.recipe, imaging.MAX_PIXELS, records=True, files=False
    )
    return [
        (box, predictions.best(classifier, crop.jpeg, drawing.names))
        for box, crop in zip(boxes, cutting.of_picture(job, picture), strict=True)
        if not isinstance(crop, str)
    ]


def _draw(picture: Image.Image, box: np.ndarray, names: Names) -> None:
    """Draw a box (x, y, width, height) in pixels and its names above it, or inside at the top."""
    pen = ImageDraw.Draw(picture)
    size = max(10, max(picture.size) // 60)
    x, y, w, h = (float(v) for v in box)
    pen.rectangle((x, y, x + w, y + h), outline=_COLOUR, width=max(2, size // 6))
    text = "\n".join(f"{name} {probability:.0%}" for name, probability in names)
    font = ImageFont.load_default(size)
    _, _, _, text_height = pen.multiline_textbbox((0, 0), text, font=font)
    place = (x, y - text_height - size // 4 if y > text_height + size // 4 else y)
    pen.rectangle(pen.multiline_textbbox(place, text, font=font), fill=(0, 0, 0))
    pen.multiline_text(place, text, fill=_COLOUR, font=font)
