"""Detect animals in whole pictures, classify each, and draw both into a copy.

``a.jpg`` becomes ``a_detections.jpg`` beside it: upright, without EXIF. Boxes of categories that
were not asked for, people among them, are neither classified nor drawn.
"""

from __future__ import annotations

import io
import logging
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from database_tools import detectors, imaging
from database_tools.core import crop_windows
from database_tools.core.detection_choice import Rule, choose, resolve
from database_tools.core.detections import Failure
from database_tools.core.errors import UserError
from database_tools.durable import files
from slim_legacy.inference.classifiers import Classifier

log = logging.getLogger(__name__)

SUFFIX = "_detections"
_PICTURES = {".jpg", ".jpeg", ".png"}
_COLOUR = (255, 200, 0)

Progress = Callable[[Iterable[Path]], Iterable[Path]]


@dataclass(frozen=True)
class Drawing:
    """What is drawn.

    Attributes:
        categories: names or ids of the detector's categories; others are left alone.
        threshold: least confidence of a box, which counts.
        padding: side of the crop's square over the longer side of the box.
        names: how many of the most likely classes stand above a box.
    """

    categories: Sequence[str] = ("animal",)
    threshold: float = 0.85
    padding: float = 1.6
    names: int = 3

    def __post_init__(self) -> None:
        """Raise UserError for a number that is out of its range."""
        if not 0 <= self.threshold <= 1:
            raise UserError(f"--threshold must be in [0, 1], got {self.threshold}")
        if not (self.padding >= 1 and math.isfinite(self.padding)):
            rule = "must be a finite number of at least 1"
            raise UserError(f"--padding_factor {rule}, got {self.padding}")
        if self.names < 1:
            raise UserError(f"--num_annotated_classes must be at least 1, got {self.names}")


def pictures(folder: Path, recursive: bool) -> list[Path]:
    """List the pictures of a folder, sorted, without those that were written by us.

    Raises:
        UserError: if there is no such folder or no picture in it.
    """
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    found = folder.rglob("*") if recursive else folder.iterdir()
    chosen = sorted(
        f for f in found if f.suffix.lower() in _PICTURES and not f.stem.endswith(SUFFIX)
    )
    if not chosen:
        raise UserError(f"{folder}: no picture ({', '.join(sorted(_PICTURES))})")
    return chosen


def run(
    detector: detectors.Detector,
    classifier: Classifier,
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
    path: Path,
    detector: detectors.Detector,
    classifier: Classifier,
    rule: Rule,
    drawing: Drawing,
) -> Path:
    pixels = imaging.load(path)
    (found,) = detector.detect([pixels])
    if isinstance(found, Failure):
        raise imaging.UnreadableImage(found.reason)
    chosen = choose(found, rule)
    picture = Image.fromarray(pixels)
    if not isinstance(chosen, str):
        height, width = pixels.shape[:2]
        windows = crop_windows.padded(chosen.boxes, width, height, drawing.padding)
        for box, window in zip(chosen.boxes, windows.edges, strict=True):
            left, top, right, bottom = window
            if right > left and bottom > top:
                names = classifier.best(pixels[top:bottom, left:right], drawing.names)
                _draw(picture, box * [width, height, width, height], names)
    output = path.with_stem(path.stem + SUFFIX)
    content = io.BytesIO()
    picture.save(content, "PNG" if path.suffix.lower() == ".png" else "JPEG", quality=90)
    files.write_bytes(output, content.getvalue())
    return output


def _draw(picture: Image.Image, box: np.ndarray, names: Sequence[tuple[str, float]]) -> None:
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
