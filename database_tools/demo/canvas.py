"""Drawing of bodies: tapered tubes along smooth curves, on a tone image and a mask.

An animal is drawn in its own units: x forward, y up, the ground at y = 0, one unit from hip to
shoulder.  The canvas turns them into pixels, three times finer than the picture.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

Point = tuple[float, float]
SUPERSAMPLING = 3


class Canvas:
    """A tone image and a mask that the parts of one animal are painted on.

    Attributes:
        tone: ``L`` image, 128 = the animal's own colour, 0 = black, 255 = twice as bright.
        mask: ``L`` image, 255 where the animal is.
        scale: supersampled pixels in one unit.
    """

    def __init__(
        self, scale: float, extent: tuple[float, float, float, float], squeeze: float, tilt: float
    ):
        """Make room for an animal.

        Args:
            scale: pixels of the picture in one unit.
            extent: (left, bottom, right, top) in units.
            squeeze: factor of horizontal lengths, below 1 for an animal that is turned a little.
            tilt: angle of the ground in radians.
        """
        self.scale = scale * SUPERSAMPLING
        self._squeeze, self._cos, self._sin = squeeze, math.cos(tilt), math.sin(tilt)
        left, bottom, right, top = extent
        self._left, self._top = left, top
        size = (math.ceil((right - left) * self.scale), math.ceil((top - bottom) * self.scale))
        self.tone = Image.new("L", size, 128)
        self.mask = Image.new("L", size, 0)
        self._draw_tone, self._draw_mask = ImageDraw.Draw(self.tone), ImageDraw.Draw(self.mask)

    def pixel(self, point: Point) -> Point:
        """Where a point in units lies on the supersampled images."""
        x, y = point[0] * self._squeeze, point[1]
        turned = x * self._cos - y * self._sin, x * self._sin + y * self._cos
        return (turned[0] - self._left) * self.scale, (self._top - turned[1]) * self.scale

    def tube(
        self,
        points: Sequence[Point],
        radii: Sequence[float],
        tone: int = 128,
        *,
        solid: bool = True,
    ) -> None:
        """Paint a smooth tube through ``points``, in units, whose radius follows ``radii``.

        ``solid=False`` paints the tone only: a pattern on what is there already.
        """
        centres = np.array([self.pixel(p) for p in spline(points)])
        widths = np.array([r[0] for r in spline([(r, 0.0) for r in radii])]) * self.scale
        for polygon in _segments(centres, widths):
            self._polygon(polygon, tone, solid)
        for (x, y), r in zip(centres, np.maximum(widths, 0.5), strict=True):
            box = (x - r, y - r, x + r, y + r)
            self._draw_tone.ellipse(box, fill=tone)
            if solid:
                self._draw_mask.ellipse(box, fill=255)

    def polygon(self, points: Iterable[Point], tone: int = 128, *, solid: bool = True) -> None:
        """Paint a polygon given in units."""
        self._polygon([self.pixel(p) for p in points], tone, solid)

    def line(
        self, start: Point, end: Point, width: float, tone: int, *, solid: bool = True
    ) -> None:
        """Paint a straight stroke; ``width`` in units."""
        ends = [self.pixel(start), self.pixel(end)]
        pixels = max(1, round(width * self.scale))
        self._draw_tone.line(ends, fill=tone, width=pixels)
        if solid:
            self._draw_mask.line(ends, fill=255, width=pixels)

    def dot(self, centre: Point, radius: float, tone: int, *, solid: bool = False) -> None:
        """Paint a disc; ``radius`` in units."""
        x, y = self.pixel(centre)
        r = max(radius * self.scale, 0.5)
        self._draw_tone.ellipse((x - r, y - r, x + r, y + r), fill=tone)
        if solid:
            self._draw_mask.ellipse((x - r, y - r, x + r, y + r), fill=255)

    def _polygon(self, pixels: Sequence[Point], tone: int, solid: bool) -> None:
        self._draw_tone.polygon(pixels, fill=tone)
        if solid:
            self._draw_mask.polygon(pixels, fill=255)


def spline(points: Sequence[Point], steps: int = 6) -> list[Point]:
    """Points along a Catmull-Rom curve through all of ``points``, ends included."""
    if len(points) < 2:
        return list(points)
    knots = np.array([points[0], *points, points[-1]], float)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    curve = [_catmull_rom(knots[i : i + 4], t) for i in range(len(points) - 1)]
    return [(float(x), float(y)) for x, y in np.vstack([*curve, knots[-1:]])]


def _catmull_rom(
    knots: npt.NDArray[np.float64], t: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    before, start, end, after = knots
    linear, square = end - before, 2 * before - 5 * start + 4 * end - after
    cube = 3 * start - before - 3 * end + after
    return 0.5 * (2 * start + linear * t + square * t**2 + cube * t**3)


def _segments(
    centres: npt.NDArray[np.float64], widths: npt.NDArray[np.float64]
) -> Iterable[list[Point]]:
    for i in range(len(centres) - 1):
        along = centres[i + 1] - centres[i]
        length = float(np.hypot(*along))
        if length < 1e-6:
            continue
        across = np.array([-along[1], along[0]]) / length
        corners = (
            centres[i] + across * widths[i],
            centres[i + 1] + across * widths[i + 1],
            centres[i + 1] - across * widths[i + 1],
            centres[i] - across * widths[i],
        )
        yield [(float(x), float(y)) for x, y in corners]
