"""One animal as it is pasted into a picture: shaded, coloured, with soft edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from database_tools.demo import noise
from database_tools.demo.canvas import SUPERSAMPLING, Canvas
from database_tools.demo.noise import Field
from database_tools.demo.species import Species

# Greys, browns, reds and sands; the same for every species, so that colour tells nothing.
_COATS = (
    *((0.36, 0.34, 0.32), (0.38, 0.29, 0.2), (0.46, 0.27, 0.15)),
    *((0.5, 0.42, 0.3), (0.3, 0.26, 0.22)),
)


@dataclass(frozen=True)
class Sprite:
    """An animal cut out.

    Attributes:
        alpha: (H, W) float32 in [0, 1], trimmed to the animal.
        tone: (H, W) float32, brightness over that of the coat, about 0 to 2.
        coat: colour of the coat, red, green and blue in [0, 1].
        foot: (x, y) of the ground under its middle, in pixels from the sprite's corner.
        eye: (x, y) of its eye, in the same pixels.
        eye_size: radius of the eye in pixels.
    """

    alpha: Field
    tone: Field
    coat: tuple[float, float, float]
    foot: tuple[float, float]
    eye: tuple[float, float]
    eye_size: float


def draw(species: Species, seed: int, phase: float, height: float, *, flip: bool) -> Sprite:
    """Draw one animal; same seed, same animal, at a moment of its stride in radians."""
    rng = np.random.default_rng(seed)
    scale = height / species.back
    canvas = Canvas(scale, species.extent, rng.uniform(0.8, 1), math.radians(rng.uniform(-6, 6)))
    base = np.array(_COATS[rng.integers(len(_COATS))]) * rng.uniform(0.65, 1.5)
    base += rng.uniform(-0.03, 0.03, 3)
    eye = canvas.pixel(species.draw(canvas, rng, phase))
    foot = canvas.pixel((0.5, 0.0))
    mask, tone = canvas.mask.reduce(SUPERSAMPLING), canvas.tone.reduce(SUPERSAMPLING)
    box = mask.getbbox() or (0, 0, 1, 1)
    mask, tone = mask.crop(box), tone.crop(box)
    points = [(x / SUPERSAMPLING - box[0], y / SUPERSAMPLING - box[1]) for x, y in (foot, eye)]
    if flip:
        mask, tone = ImageOps.mirror(mask), ImageOps.mirror(tone)
        points = [(mask.width - x, y) for x, y in points]
    red, green, blue = np.clip(base, 0.08, 0.8).tolist()
    shaded, (foot, eye) = _shade(mask, tone, height, rng), points
    return Sprite(_unit(mask), shaded, (red, green, blue), foot, eye, max(1.0, 0.022 * scale))


def _unit(image: Image.Image) -> Field:
    return np.asarray(image, np.float32) / np.float32(255)


def _shade(mask: Image.Image, tone: Image.Image, height: float, rng: np.random.Generator) -> Field:
    """Light from above on a round body, fur along it."""
    radius = 0.075 * height
    soft = _unit(mask.filter(ImageFilter.GaussianBlur(radius)))
    down, right = np.gradient(soft, axis=0), np.gradient(soft, axis=1)
    light = 1 + np.clip((1.3 * down + rng.uniform(-0.5, 0.5) * right) * radius, -0.38, 0.45)
    h, w = light.shape
    fur = noise.octaves(rng, h, w, w / 14, 3, aspect=0.6) * 0.11
    fur += noise.octaves(rng, h, w, w / 60, 2) * 0.08
    return (np.asarray(tone, np.float32) / 128 * light * (1 + fur)).astype(np.float32)
