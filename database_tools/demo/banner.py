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
    white = (235, 235, 235)
    draw.text((gap, middle), camera(event.location)[0], fill=white, font=font, anchor="lm")
    moment = event.time.replace(second=(event.time.second + frame) % 60)
    draw.text(
        (world.width * 0.47, middle),
        f"{moment:%Y-%m-%d  %H:%M:%S}",
        fill=white,
        font=font,
        anchor="mm",
    )
    warmth = 12 - 8 * math.cos((event.time.hour - 3) / 24 * 2 * math.pi) + event.number % 5
    draw.text((world.width * 0.72, middle), f"{warmth:.0f}°C", fill=white, font=font, anchor="mm")
    _moon(draw, (world.width * 0.8, middle), world.banner * 0.28, event.time.timetuple().tm_yday)
    draw.text(
        (world.width - gap, middle), f"CAM {event.location:03d}", fill=white, font=font, anchor="rm"
    )
    return np.concatenate([pixels, np.asarray(strip)])


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _moon(draw: ImageDraw.ImageDraw, centre: tuple[float, float], radius: float, day: int) -> None:
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(230, 230, 215))
    shift = 2 * radius * ((day % _MOON_DAYS) / _MOON_DAYS * 2 - 1)
    draw.ellipse((x + shift - radius, y - radius, x + shift + radius, y + radius), fill=(8, 8, 8))
