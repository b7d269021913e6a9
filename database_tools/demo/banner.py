"""The black strip below a picture: camera, date, time, moon, temperature and place."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from database_tools.demo.world import Sequence, World

MAKERS = (
    ("Wildling", "W-200"),
    ("TrailOwl", "Nocturne 3"),
    ("Fernsicht", "FS 40"),
    ("Okapi", "Scout"),
)
_MOON_DAYS = 29.53

_font = lru_cache(maxsize=4)(ImageFont.load_default)


def camera(location: int) -> tuple[str, str]:
    """Maker and model of the camera at a location; invented, as everything here."""
    return MAKERS[location % len(MAKERS)]


def below(
    pixels: npt.NDArray[np.uint8], world: World, event: Sequence, frame: int
) -> npt.NDArray[np.uint8]:
    """Add the banner below a picture.

    Returns:
        (height, width, 3) uint8; the rows of ``pixels`` are unchanged.
    """
    strip = Image.new("RGB", (world.width, world.banner), (8, 8, 8))
    draw, font = ImageDraw.Draw(strip), _font(max(8, round(world.banner * 0.6)))
    middle, gap = world.banner / 2, world.banner * 0.5

    def write(x: float, words: str, anchor: str) -> None:
        draw.text((x, middle), words, fill=(235, 235, 235), font=font, anchor=anchor)

    write(gap, camera(event.location)[0], "lm")
    moment = event.time.replace(second=(event.time.second + frame) % 60)
    write(world.width * 0.47, f"{moment:%Y-%m-%d  %H:%M:%S}", "mm")
    warmth = 12 - 8 * math.cos((event.time.hour - 3) / 24 * 2 * math.pi) + event.number % 5
    write(world.width * 0.72, f"{warmth:.0f}°C", "mm")
    _moon(draw, (world.width * 0.8, middle), world.banner * 0.28, event.time.timetuple().tm_yday)
    write(world.width - gap, f"CAM {event.location:03d}", "rm")
    return np.concatenate([pixels, np.asarray(strip)])


def _moon(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, day: int) -> None:
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(230, 230, 215))
    shift = 2 * radius * ((day % _MOON_DAYS) / _MOON_DAYS * 2 - 1)
    draw.ellipse((x + shift - radius, y - radius, x + shift + radius, y + radius), fill=(8, 8, 8))
