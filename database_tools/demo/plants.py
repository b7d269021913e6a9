"""Trunks, rocks, logs, bushes and grass: what stands about in a place of the demo world."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw

from database_tools.demo import noise
from database_tools.demo.canvas import Point, spline
from database_tools.demo.noise import Field

Colour = tuple[float, float, float]
_FINE = 2  # shapes are drawn twice as fine as the picture


class Spot(NamedTuple):
    """Where a thing is put: the picture's size, its foot, pixels in a metre there, metres away."""

    size: tuple[int, int]
    foot: Point
    scale: float
    away: float


@dataclass(frozen=True)
class Item:
    """A solid thing: (H, W) in [0, 1] where it is, its (H, W, 3) colour, metres from the camera."""

    mask: Field
    colour: Field
    away: float

    def paint(self, day: Field, distance: Field, obstacle: Field) -> None:
        """Put it into a picture and its two maps of distances."""
        mask = self.mask[..., None]
        day += (self.colour - day) * mask
        solid = self.mask > 0.5
        distance[solid] = self.away
        obstacle[solid] = np.minimum(obstacle[solid], self.away)


def _mask(size: tuple[int, int], polygon: list[Point]) -> Field:
    fine = Image.new("L", (size[0] * _FINE, size[1] * _FINE), 0)
    ImageDraw.Draw(fine).polygon([(x * _FINE, y * _FINE) for x, y in polygon], fill=255)
    return np.asarray(fine.reduce(_FINE), np.float32) / np.float32(255)


def trunk(rng: np.random.Generator, bark: Colour, spot: Spot) -> Item:
    """A trunk from its foot to beyond the upper edge."""
    size, (x, y), scale, away = spot
    radius, lean = rng.uniform(0.06, 0.2) * scale, rng.uniform(-0.12, 0.12) * y
    left = [
        (x - radius * 1.5, y),
        (x - radius, y - radius * 2),
        (x - radius * 0.9 + lean / 2, y / 2),
        (x - radius * 0.75 + lean, -5.0),
    ]
    right = [
        (x + radius * 0.75 + lean, -5.0),
        (x + radius * 0.9 + lean / 2, y / 2),
        (x + radius, y - radius * 2),
        (x + radius * 1.5, y),
    ]
    mask = _mask(size, spline(left) + spline(right) + [(x, y + radius * 0.25)])
    width, height = size
    rows = np.arange(height, dtype=np.float32)[:, None]
    centre = x + lean * (1 - rows / max(y, 1))
    across = np.clip((np.arange(width, dtype=np.float32)[None] - centre) / radius, -1, 1)
    roundness = 1.1 - 0.55 * (across + rng.uniform(-0.4, 0.4)) ** 2
    grain = noise.octaves(rng, height, width, width / max(radius, 2) * 1.2, 3, aspect=0.18) * 0.3
    return Item(mask, _tinted(bark, roundness * (1 + grain)), away)


def rock(rng: np.random.Generator, bark: Colour, spot: Spot) -> Item:
    """A rock, grey with some of the place's colour, lit from above."""
    size, foot, scale, away = spot
    wide, tall = rng.uniform(0.1, 0.4) * scale, rng.uniform(0.05, 0.2) * scale
    turns, reach = np.linspace(0, np.pi, 8), rng.uniform(0.8, 1.08, 8)
    dome = [
        (foot[0] + wide * r * float(np.cos(t)), foot[1] - tall * r * float(np.sin(t)) ** 0.7)
        for t, r in zip(turns, reach, strict=True)
    ]
    bottom = (foot[0], foot[1] + tall * 0.14)
    rows = np.arange(size[1], dtype=np.float32)[:, None]
    light = np.clip(0.75 + 0.55 * (foot[1] - rows) / max(tall, 1), 0.5, 1.3)
    grain = noise.octaves(rng, size[1], size[0], size[0] / max(wide, 4) * 1.5, 4, aspect=1.6) * 0.2
    grey = float(rng.uniform(0.32, 0.55))
    colour = (0.6 * grey + 0.4 * bark[0], 0.6 * grey + 0.4 * bark[1], 0.6 * grey + 0.4 * bark[2])
    return Item(
        _mask(size, spline([bottom, *dome, bottom])), _tinted(colour, light * (1 + grain)), away
    )


def log(rng: np.random.Generator, bark: Colour, spot: Spot) -> Item:
    """A fallen trunk on the ground."""
    size, (x, y), scale, away = spot
    long, radius = rng.uniform(0.5, 1.4) * scale, rng.uniform(0.06, 0.13) * scale
    slope = rng.uniform(-0.12, 0.12)
    ends = (x - long, y - radius + long * slope), (x + long, y - radius - long * slope)
    (x0, y0), (x1, y1) = ends
    middle = (y0 + y1) / 2 + rng.uniform(-0.3, 0.3) * radius
    upper = spline([(x0, y0 - radius), (x, middle - radius), (x1, y1 - radius * 0.7)])
    lower = spline([(x1, y1 + radius * 0.7), (x, middle + radius), (x0, y0 + radius)])
    columns = np.arange(size[0], dtype=np.float32)[None]
    axis = y0 + (y1 - y0) * (columns - x0) / max(x1 - x0, 1)
    across = np.clip((np.arange(size[1], dtype=np.float32)[:, None] - axis) / radius, -1, 1)
    grain = noise.octaves(rng, size[1], size[0], 20, 4, aspect=4) * 0.3
    return Item(
        _mask(size, upper + lower), _tinted(bark, (1.05 - 0.45 * across) * (1 + grain)), away
    )


def _tinted(colour: Colour, brightness: Field) -> Field:
    return np.asarray(brightness, np.float32)[..., None] * np.array(colour, np.float32)


class Layer:
    """A transparent picture that leaves and blades are drawn on, twice as fine."""

    def __init__(self, width: int, height: int):
        self._image = Image.new("RGBA", (width * _FINE, height * _FINE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self._image)

    def blade(self, points: list[Point], width: float, colour: Colour) -> None:
        """A line through ``points``; ``width`` in pixels of the picture."""
        fine = [(x * _FINE, y * _FINE) for x, y in points]
        self._draw.line(
            fine, fill=_bytes(colour), width=max(1, round(width * _FINE)), joint="curve"
        )

    def leaf(self, centre: Point, size: Point, colour: Colour) -> None:
        """An ellipse with half axes ``size``."""
        x, y = centre[0] * _FINE, centre[1] * _FINE
        w, h = max(size[0] * _FINE, 1), max(size[1] * _FINE, 1)
        self._draw.ellipse((x - w, y - h, x + w, y + h), fill=_bytes(colour))

    def reduced(self) -> Image.Image:
        """The layer in the picture's own size."""
        return self._image.reduce(_FINE)

    def paint(self, picture: Field) -> None:
        """Put the layer over an (H, W, 3) float32 picture in [0, 1]."""
        blend(picture, self.reduced())


def blend(picture: Field, layer: Image.Image, light: Field | float = 1.0) -> None:
    """Put an RGBA layer over a picture in place; ``light`` multiplies the layer's colours."""
    if (box := layer.getbbox()) is None:
        return
    left, top, right, bottom = box
    pixels = np.asarray(layer.crop(box), np.float32) / np.float32(255)
    target = picture[top:bottom, left:right]
    # A reduced transparent layer is black at its edges, that is, already multiplied by alpha.
    alpha = pixels[..., 3:]
    here = light if isinstance(light, float) else light[top:bottom, left:right, None]
    target *= 1 - alpha
    target += pixels[..., :3] * here


def _bytes(colour: Colour) -> tuple[int, int, int, int]:
    red, green, blue = (int(min(max(c, 0), 1) * 255) for c in colour)
    return red, green, blue, 255


def _shifted(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def tuft(layer: Layer, rng: np.random.Generator, foot: Point, scale: float, colour: Colour) -> None:
    """Some blades of grass; ``scale`` is pixels in a metre."""
    blades = int(rng.integers(4, 10))
    lengths, leans = rng.uniform(0.04, 0.2, blades) * scale, rng.uniform(-0.6, 0.6, blades)
    shades, starts = rng.uniform(0.6, 1.35, blades), rng.uniform(-0.06, 0.06, blades) * scale
    for length, lean, shade, start in zip(lengths, leans, shades, starts, strict=True):
        x, y = foot[0] + start, foot[1]
        middle, tip = (x + lean * length * 0.3, y - length * 0.6), (x + lean * length, y - length)
        width = min(3.0, max(0.5, 0.006 * scale))
        layer.blade([(x, y), middle, tip], width, _shifted(colour, float(shade)))


def bush(layer: Layer, rng: np.random.Generator, foot: Point, scale: float, colour: Colour) -> None:
    """A heap of leaves, darker below; ``scale`` is pixels in a metre."""
    wide, tall, leaves = rng.uniform(0.3, 0.9) * scale, rng.uniform(0.3, 0.8) * scale, 420
    across = rng.normal(0, 0.42, leaves)
    up = np.sort(rng.uniform(0, 1, leaves) * np.clip(1.1 - across**2, 0.15, 1.1))
    size, shades = rng.uniform(0.012, 0.04, (leaves, 2)) * scale, rng.uniform(0.7, 1.25, leaves)
    for i in range(leaves):
        shade = float(shades[i] * (0.5 + 0.65 * up[i]))
        layer.leaf(
            (foot[0] + across[i] * wide, foot[1] - up[i] * tall),
            (size[i, 0], size[i, 1]),
            _shifted(colour, shade),
        )
