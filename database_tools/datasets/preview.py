"""``preview.html``: a sample of pictures with their boxes and crops, to check them at a glance.

One self-contained page: no scripts, nothing to load.  For each category and split it shows some
pictures, evenly spaced over the dataset.  People are covered unless they were asked for.
"""

from __future__ import annotations

import base64
import html
import io
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from string import Template

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

log = logging.getLogger(__name__)

_IN_ALL, _MOST_EACH = 120, 6
"""Pictures on the page, and of one category in one split; at least one of each."""

_PICTURE_SIDE, _CROP_SIDE = 320, 128
_QUALITY = 75
_COVER = (128, 128, 128)

_PAGE = Template("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Crops by category and split</title><style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 2rem; color: #222; background: #fff; }
table { border-collapse: collapse; } td, th { padding: .1rem .8rem .1rem 0; text-align: left; }
td.n { text-align: right; }
.cards { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; width: ${side}px; } figcaption { font-size: 12px; word-break: break-all; }
.picture { position: relative; } .picture img { display: block; width: 100%; }
svg { position: absolute; inset: 0; width: 100%; height: 100%; }
rect { fill: none; stroke-width: 2px; vector-effect: non-scaling-stroke; }
.box { stroke: #ff3b30; } .crop { stroke: #ffd60a; stroke-dasharray: 5 3; }
.crops img { height: 96px; margin: 4px 4px 0 0; }
</style></head><body>
<h1>Crops by category and split</h1>
<p>Red: what the detector found. Dashed: what was cut. Below each picture: its crops.</p>
<table><tr><th>id</th><th>category</th>$heads</tr>$rows</table>
$sections
</body></html>
""")


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
        cards = "".join(_card(sample, plan, results, pictures) for sample in group)
        title = f"{split}: {html.escape(info.classes[label])} ({info.counts[split][label]:,})"
        sections.append(f'<h2>{title}</h2><div class="cards">{cards}</div>')
    page = _PAGE.substitute(
        side=_PICTURE_SIDE,
        heads="".join(f"<th>{split}</th>" for split in SPLITS),
        rows="".join(_rows(info)),
        sections="\n".join(sections),
    )
    files.write_text(workspace.main / PREVIEW, page)


def _rows(info: DatasetInfo) -> Iterator[str]:
    for i, name in enumerate(info.classes):
        numbers = "".join(f'<td class="n">{info.counts[split][i]:,}</td>' for split in SPLITS)
        yield f"<tr><td>{i}</td><td>{html.escape(name)}</td>{numbers}</tr>\n"


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


def _card(sample: _Sample, plan: Plan, results: Results, pictures: Pictures) -> str:
    found = results.choose(sample.image)
    name = plan.name(sample.image)
    if not isinstance(found, Detections):
        return ""
    try:
        picture = imaging.open_upright(pictures.image_dir / name, pictures.max_pixels)
    except imaging.UnreadableImage:
        log.info("not in the preview, as it cannot be read any more: %s", name)
        return ""
    _cover(picture, results.people(sample.image))
    all_windows = pictures.recipe.windows(found.boxes, *picture.size)
    windows = all_windows.edges[all_windows.have_area]
    crops = "".join(_image(picture.crop(tuple(w)), _CROP_SIDE) for w in windows.tolist())
    corners = box_rows.to_pixels(found.boxes, *picture.size)
    sizes = windows - windows[:, [0, 1, 0, 1]]
    cuts = [(*w[:2], *s[2:]) for w, s in zip(windows.tolist(), sizes.tolist(), strict=True)]
    drawing = _rectangles("crop", cuts) + _rectangles("box", corners.tolist())
    confidence = ", ".join(f"{score:.2f}" for score in found.scores)
    caption = f"{html.escape(name)}<br>{html.escape(plan.location(sample.image))}, {confidence}"
    viewbox = f'viewBox="0 0 {picture.width} {picture.height}" preserveAspectRatio="none"'
    return (
        f'<figure><div class="picture">{_image(picture, _PICTURE_SIDE)}'
        f'<svg {viewbox}>{drawing}</svg></div><div class="crops">{crops}</div>'
        f"<figcaption>{caption}</figcaption></figure>\n"
    )


def _cover(picture: Image.Image, people: Boxes) -> None:
    draw = ImageDraw.Draw(picture)
    for x, y, width, height in box_rows.to_pixels(people, *picture.size).tolist():
        draw.rectangle((x, y, x + width, y + height), fill=_COVER)


def _rectangles(kind: str, rows: list[list[float]] | list[tuple[float, ...]]) -> str:
    return "".join(
        f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"/>'
        for x, y, w, h in rows
    )


def _image(image: Image.Image, side: int) -> str:
    small = image.copy()
    small.thumbnail((side, side))
    content = io.BytesIO()
    small.save(content, "JPEG", quality=_QUALITY)
    data = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="" src="data:image/jpeg;base64,{data}">'
