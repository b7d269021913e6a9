"""Whole pictures with the boxes of their crops drawn over them, and people covered."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from database_tools import imaging
from database_tools.core.names import CropName
from database_tools.core.people import MAYBE, is_people
from database_tools.detections import cache
from database_tools.formats import megadetector_json, queried_images
from database_tools.pages import svg
from database_tools.pages.html import tag
from database_tools.pages.pictures import cover
from tf_classification.review.deciding import WHOLE, Pictures
from tf_classification.review.requests import ReviewRequest


@dataclass(frozen=True, slots=True)
class NamedBox:
    """The name of its category, its score, and x, y, width, height, relative."""

    category: str
    score: float
    box: tuple[float, float, float, float]

    @property
    def is_person(self) -> bool:
        """Whether it is, or may be, of a person."""
        return is_people(self.category) and self.score >= MAYBE


Boxes = dict[tuple[str, bool], list[NamedBox]]
"""Boxes by picture, and by whether people drew them."""


def boxes(asked: ReviewRequest, names: Collection[str]) -> Boxes:
    """Read the boxes of some pictures.

    Raises:
        UserError: if a file is missing or breaks its format.
    """
    wanted = set(names)
    found: Boxes = {}
    for path, prefix in _files(asked, wanted):
        categories = megadetector_json.read_header(path).detection_categories
        for image in megadetector_json.images(path):
            if (name := prefix + image.file) in wanted and image.boxes is not None:
                found[name, False] = [
                    NamedBox(categories.get(box.category, ""), box.conf, box.bbox)
                    for box in image.boxes
                ]
    drawn = asked.queried_images_json
    for entry in () if drawn is None else queried_images.read(drawn):
        if entry.name in wanted and entry.boxes is not None:
            found[entry.name, True] = [NamedBox(box.category, 1.0, box.box) for box in entry.boxes]
    return found


def _files(asked: ReviewRequest, names: set[str]) -> Iterator[tuple[Path, str]]:
    folder, version = asked.detector_output_cache_dir, asked.detector_version
    if asked.detections_json is not None:
        yield asked.detections_json, ""
    elif folder is not None and version is not None:
        for dataset in sorted({name.partition("/")[0] for name in names}):
            if (path := cache.find(folder, version, dataset)) is not None:
                yield path, f"{dataset}/"


def figure(
    folder: Path,
    name: str,
    crops: Collection[str],
    found: Boxes,
    pictures: Pictures,
    *,
    show_people: bool,
) -> Markup:
    """Show a picture with the boxes of its crops, or say why it is not shown."""
    known = [found[name, drawn] for drawn in (False, True) if (name, drawn) in found]
    if not known and not show_people:
        return _none("not shown: nobody says where people are in it")
    try:
        picture = imaging.open_upright(folder / name)
    except imaging.UnreadableImage as error:
        return _none(error.reason)
    if not show_people:
        cover(picture, [box.box for boxes in known for box in boxes if box.is_person])
    shown = pictures.add(picture, WHOLE, f"the whole of {name}")
    drawing = svg.shape(
        "svg",
        Markup("").join(_drawn(found, crops)),
        viewBox="0 0 1 1",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    inside = tag("div", shown, drawing, cls="picture")
    return tag("figure", inside, tag("figcaption", name), cls="whole")


def _none(why: str) -> Markup:
    return tag("p", f"The whole picture: {why}", cls="muted")


def _drawn(found: Boxes, crops: Collection[str]) -> Iterator[Markup]:
    for path in crops:
        try:
            crop = CropName.parse(path)
        except ValueError:
            continue
        its = found.get((crop.image, crop.detector is None), [])
        if crop.box < len(its):
            x, y, width, height = (f"{value:.4f}" for value in its[crop.box].box)
            yield svg.shape("rect", class_="box", x=x, y=y, width=width, height=height)
