"""A network that computes pictures in batches, as a Detector, whatever library runs it."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from database_tools.core import reasons
from database_tools.core.detections import Failure, Found
from database_tools.core.errors import UserError
from database_tools.detectors.detector import Image

log = logging.getLogger(__name__)

MOST_PIXELS = 120_000_000
"""Of one batch: eight pictures of 12 megapixels and some; larger ones go in smaller batches."""

_BLANK = np.full((96, 128, 3), 127, np.uint8)


@dataclass(eq=False)
class Batched:
    """A Detector; the first four attributes are those of ``detector.Detector``.

    Attributes:
        run: computes a batch of pictures.
        read: turns what ``run`` gives into a result for each picture; raises ValueError for what
            is none.
        of_one_size: whether the pictures of a batch must have one size.
    """

    name: str
    categories: Mapping[str, str] | None
    batch_size: int
    fingerprint: str
    run: Callable[[Sequence[Image]], Any]
    read: Callable[[Any], list[Found]]
    errors: tuple[type[Exception], ...]
    of_one_size: bool = True

    def check(self) -> None:
        """Run it on blank pictures, two if it takes batches; raise UserError if it cannot."""
        wrong: tuple[type[Exception], ...] = (ValueError, *self.errors)
        try:
            self._together([_BLANK] * min(2, self.batch_size))
        except wrong as error:
            raise UserError(f"{self.name}: cannot run on pictures: {in_one_line(error)}") from error

    def detect(self, images: Sequence[Image]) -> list[Found]:
        """Return one result for each picture, in the same order."""
        found: dict[int, Found] = {}
        shapes = [image.shape if self.of_one_size else (1, 1) for image in images]
        for batch in of_equal_size(shapes, self.batch_size):
            members = [images[i] for i in batch]
            try:
                results = self._together(members)
            except self.errors as error:
                log.warning("%s: %s", self.name, in_one_line(error))
                results = [self._alone(image) for image in members]
            found.update(zip(batch, results, strict=True))
        return [found[i] for i in range(len(images))]

    def _together(self, images: Sequence[Image]) -> list[Found]:
        outputs = self.run(images)
        try:
            return self.read(outputs)
        except ValueError as error:
            raise UserError(f"{self.name}: {error}") from None

    def _alone(self, image: Image) -> Found:
        """Detect one picture of a batch that failed, mostly for want of memory."""
        try:
            return self._together([image])[0]
        except self.errors:
            return Failure(reasons.DETECTOR_FAILED)


def in_one_line(error: Exception, limit: int = 300) -> str:
    """Return an error's text on one line: TensorFlow's are pages long."""
    text = " ".join(str(error).split())
    return text if len(text) <= limit else text[: limit - 3] + "..."


def of_equal_size(
    shapes: Sequence[tuple[int, ...]], batch_size: int, most_pixels: int = MOST_PIXELS
) -> list[list[int]]:
    """Group pictures (height, width, ...) of one size; one of too many pixels is alone.

    Returns:
        Positions in ``shapes``, each once; the batches and the positions in each are in listed
        order, so that one list is always cut the same way.
    """
    by_size: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
    for i, shape in enumerate(shapes):
        by_size[shape].append(i)
    cut = []
    for shape, members in by_size.items():
        at_once = max(1, min(batch_size, most_pixels // max(1, shape[0] * shape[1])))
        cut += [members[i : i + at_once] for i in range(0, len(members), at_once)]
    return sorted(cut)
