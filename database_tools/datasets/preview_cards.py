"""The pictures of ``preview.html``: with boxes drawn over them, crops below, people covered."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from PIL import Image

from database_tools import imaging
from database_tools.core import boxes as box_rows
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.detections import Detections
from database_tools.core.people import is_people
from database_tools.datasets.build_config import BuildConfig
from database_tools.datasets.plan import Plan
from database_tools.datasets.results import Results
from database_tools.pages import svg
from database_tools.pages.html import tag
from database_tools.pages.pictures import cover, small

log = logging.getLogger(__name__)

_PICTURE_SIDE, _CROP_SIDE = 480, 128


@dataclass(frozen=True, eq=False)
class Page:
    """What the page is made from."""

    config: BuildConfig
    plan: Plan
    results: Results
    recipe: CropRecipe


def _open(page: Page, image: int) -> Image.Image | None:
    """Open a picture with the people in it covered; None if it cannot be read any more."""
    name = page.plan.name(image)
    try:
        picture = imaging.open_upright(page.config.image_dir / name, page.config.max_pixels)
    except imaging.UnreadableImage:
        log.info("not in the preview, as it cannot be read any more: %s", name)
        return None
    cover(picture, page.results.people(image))
    return picture


def kept(page: Page, image: int, said: str) -> Markup:
    """Show a picture with its boxes, and what was cut below."""
    found, picture = page.results.choose(image), _open(page, image)
    if picture is None or not isinstance(found, Detections):
        return Markup("")
    all_windows = page.recipe.windows(found.boxes, *picture.size)
    windows = all_windows.edges[all_windows.have_area]
    crops = [small(picture.crop(tuple(w)), _CROP_SIDE, "a crop") for w in windows.tolist()]
    sizes = windows - windows[:, [0, 1, 0, 1]]
    cuts = [(*w[:2], *s[2:]) for w, s in zip(windows.tolist(), sizes.tolist(), strict=True)]
    drawn = _drawing(picture, _rectangles("crop", cuts), found)
    return _figure(page, image, drawn, said, found, tag("div", *crops, cls="crops"))


def left_out(page: Page, image: int) -> Markup:
    """Show a picture that gave no crop; nothing where it must not or cannot be shown."""
    plan = page.plan
    if plan.reason(image) or is_people(_label(plan, image)):
        return Markup("")
    found = page.results.shown(image)
    if found is None or (picture := _open(page, image)) is None:
        return Markup("")
    return _figure(page, image, _drawing(picture, Markup(""), found), _label(plan, image), found)


def _label(plan: Plan, image: int) -> str:
    return plan.annotations.categories[plan.annotations.classes[image]]


def _drawing(picture: Image.Image, below: Markup, found: Detections) -> Markup:
    """Lay boxes over a picture."""
    corners = box_rows.to_pixels(found.boxes, *picture.size)
    drawing = svg.shape(
        "svg",
        below + _rectangles("box", corners.tolist()),
        viewBox=f"0 0 {picture.width} {picture.height}",
        preserveAspectRatio="none",
    )
    return tag("div", small(picture, _PICTURE_SIDE, "the picture"), drawing, cls="picture")


def _figure(
    page: Page, image: int, drawn: Markup, said: str, found: Detections, more: str = ""
) -> Markup:
    confidence = ", ".join(f"{score:.2f}" for score in found.scores) or "no box"
    where = f"{page.plan.location(image)}, {confidence}"
    name = page.plan.name(image)
    caption = tag("figcaption", tag("b", said), tag("br"), name, tag("br"), where)
    return tag("figure", drawn, more, caption)


def _rectangles(kind: str, rows: Sequence[Sequence[float]]) -> Markup:
    return Markup("").join(
        svg.shape("rect", class_=kind, x=x, y=y, width=width, height=height)
        for x, y, width, height in rows
    )
