"""``preview.html``: a sample of pictures with their boxes and crops, to check them at a glance.

One self-contained page: no scripts, nothing to load.  For each category and split it shows some
pictures, evenly spaced over the dataset.  People are covered unless they were asked for.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup
from PIL import Image, ImageDraw

from database_tools import imaging
from database_tools.core import boxes as box_rows
from database_tools.core.boxes import Boxes
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.detections import Detections
from database_tools.core.splits import SPLITS
from database_tools.datasets import dataset_files
from database_tools.datasets.journal import CropLine
from database_tools.datasets.output_folder import PREVIEW
from database_tools.datasets.plan import Plan
from database_tools.datasets.results import Results
from database_tools.datasets.workspace import Workspace
from database_tools.durable import files
from database_tools.formats.dataset_info import DatasetInfo
from database_tools.pages import html, svg
from database_tools.pages import pictures as pictures_of
from database_tools.pages.html import tag

log = logging.getLogger(__name__)

_IN_ALL, _MOST_EACH = 120, 6
"""Pictures on the page, and of one category in one split; at least one of each."""

_PICTURE_SIDE, _CROP_SIDE = 320, 128
_COVER = (128, 128, 128)


@dataclass(frozen=True)
class _Sample:
    """A picture on the page: its position, split, class id."""

    image: int
    split: str
    label: int


@dataclass(frozen=True)
class Pictures:
    """Where pictures are and how they are cut, as in the build."""

    image_dir: Path
    max_pixels: int
    recipe: CropRecipe


def write(
    workspace: Workspace, plan: Plan, results: Results, pictures: Pictures, info: DatasetInfo
) -> None:
    """Write the page of a finished dataset."""
    samples = sorted(_samples(workspace), key=lambda s: (SPLITS.index(s.split), s.label, s.image))
    sections = []
    for (split, label), group in groupby(samples, key=lambda s: (s.split, s.label)):
        cards = [_card(sample, plan, results, pictures) for sample in group]
        title = f"{split}: {info.classes[label]} ({info.counts[split][label]:,})"
        sections.append(html.section(title, tag("div", *cards, cls="shots")))
    said = "Red: what the detector found. Dashed: what was cut. Below each picture: its crops."
    head = ["category", "id", *SPLITS]
    table = html.table(head, list(_rows(info)))
    heading = "Crops by category and split"
    page = html.document(heading, tag("h1", heading), tag("p", said), table, *sections)
    files.write_text(workspace.main / PREVIEW, page)


def _rows(info: DatasetInfo) -> Iterator[list[str]]:
    for i, name in enumerate(info.classes):
        yield [name, str(i), *(f"{info.counts[split][i]:,}" for split in SPLITS)]


def _samples(workspace: Workspace) -> Iterator[_Sample]:
    """Yield evenly spaced pictures of each category and split."""
    sizes = Counter((line.split, line.label) for line in _first_lines(workspace))
    wanted = max(1, min(_MOST_EACH, _IN_ALL // max(1, len(sizes))))
    seen: Counter[tuple[str, int]] = Counter()
    for line in _first_lines(workspace):
        key = (line.split, line.label)
        # The number of samples that are due after this picture has grown.
        if seen[key] * wanted // sizes[key] < (seen[key] + 1) * wanted // sizes[key]:
            yield _Sample(line.image, line.split, line.label)
        seen[key] += 1


def _first_lines(workspace: Workspace) -> Iterator[CropLine]:
    """Yield the first crop of each picture."""
    last = -1
    for line in dataset_files.crop_lines(workspace):
        if line.image != last:
            yield line
        last = line.image


def _card(sample: _Sample, plan: Plan, results: Results, pictures: Pictures) -> Markup:
    found = results.choose(sample.image)
    name = plan.name(sample.image)
    if not isinstance(found, Detections):
        return Markup("")
    try:
        picture = imaging.open_upright(pictures.image_dir / name, pictures.max_pixels)
    except imaging.UnreadableImage:
        log.info("not in the preview, as it cannot be read any more: %s", name)
        return Markup("")
    _cover(picture, results.people(sample.image))
    all_windows = pictures.recipe.windows(found.boxes, *picture.size)
    windows = all_windows.edges[all_windows.have_area]
    crops = [pictures_of.small(picture.crop(tuple(w)), _CROP_SIDE) for w in windows.tolist()]
    corners = box_rows.to_pixels(found.boxes, *picture.size)
    sizes = windows - windows[:, [0, 1, 0, 1]]
    cuts = [(*w[:2], *s[2:]) for w, s in zip(windows.tolist(), sizes.tolist(), strict=True)]
    drawing = svg.shape(
        "svg",
        _rectangles("crop", cuts) + _rectangles("box", corners.tolist()),
        viewBox=f"0 0 {picture.width} {picture.height}",
        preserveAspectRatio="none",
    )
    confidence = ", ".join(f"{score:.2f}" for score in found.scores)
    return tag(
        "figure",
        tag("div", pictures_of.small(picture, _PICTURE_SIDE), drawing, cls="picture"),
        tag("div", *crops, cls="crops"),
        tag("figcaption", name, tag("br"), f"{plan.location(sample.image)}, {confidence}"),
    )


def _cover(picture: Image.Image, people: Boxes) -> None:
    draw = ImageDraw.Draw(picture)
    for x, y, width, height in box_rows.to_pixels(people, *picture.size).tolist():
        draw.rectangle((x, y, x + width, y + height), fill=_COVER)


def _rectangles(kind: str, rows: Sequence[Sequence[float]]) -> Markup:
    return Markup("").join(
        svg.shape("rect", class_=kind, x=x, y=y, width=width, height=height)
        for x, y, width, height in rows
    )
