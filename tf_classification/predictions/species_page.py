"""``index.html``: how many pictures each species has, and a sample of them, people covered."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

from markupsafe import Markup

from database_tools import imaging
from database_tools.core.detection_choice import people
from database_tools.durable import files
from database_tools.formats import megadetector_json
from database_tools.formats.megadetector_json import Box
from database_tools.pages import html
from database_tools.pages import pictures as pictures_of
from database_tools.pages.html import tag
from tf_classification.predictions import species
from tf_classification.predictions.species import Row

_EACH, _SIDE = 8, 480
"""Pictures of each species, and pixels of their longer side."""


def write(path: Path, table: Path, merged: Path, pictures: Path) -> None:
    """Write the page of ``species.csv``; ``merged`` are the detections, for people's boxes."""
    chosen, counts = _sample(table)
    header = megadetector_json.read_header(merged)
    hidden = people(header.detection_categories, frozenset())
    wanted = {row.file for rows in chosen.values() for row in rows}
    boxes = {
        image.file: [box for box in image.boxes or () if box.category in hidden]
        for image in megadetector_json.images(merged)
        if image.file in wanted
    }
    rows, groups = [], []
    for i, (name, number) in enumerate(counts.most_common()):
        linked = tag("a", name, href=f"#species-{i}") if name in chosen else name
        rows.append([linked, f"{number:,}"])
        if name not in chosen:
            continue
        figures = (_figure(row, pictures, boxes[row.file]) for row in chosen[name])
        shots = tag("div", *figures, cls="shots keys")
        groups.append(tag("div", tag("h3", name), shots, id=f"species-{i}", data_name=name))
    title = "Species by picture"
    note = (
        "A picture counts for each species in it. Below: some of each, drawn at random; a click "
        "enlarges one. People are covered. species.csv has all of them, and says which to look at."
    )
    start = (tag("h1", title), tag("p", note))
    listed = html.section(
        "Pictures of each species", html.table(["species", "pictures"], rows, cls="find")
    )
    shown = html.section("Some of each", tag("div", *groups, cls="groups"))
    files.write_text(path, html.document(title, *start, listed, shown))


def _sample(table: Path) -> tuple[dict[str, list[Row]], Counter[str]]:
    """Draw rows of each species, always the same ones; count all."""
    draw, counts = random.Random(0), Counter[str]()
    chosen: dict[str, list[Row]] = {}
    for row in species.read(table):
        counts[row.species] += 1
        if row.species == species.FAILED:
            continue
        kept = chosen.setdefault(row.species, [])
        if len(kept) < _EACH:
            kept.append(row)
        elif (place := draw.randrange(counts[row.species])) < _EACH:
            kept[place] = row
    return {name: sorted(rows, key=lambda row: row.file) for name, rows in chosen.items()}, counts


def _figure(row: Row, pictures: Path, covered: list[Box]) -> Markup:
    try:
        picture = imaging.open_upright(pictures / row.file)
    except imaging.UnreadableImage:
        return Markup("")
    pictures_of.cover(picture, [box.bbox for box in covered])
    picture.thumbnail((_SIDE, _SIDE))
    said = ", ".join(filter(None, (row.file, row.confidence, row.decision)))
    image = tag("img", src=pictures_of.address(picture), alt=row.file, loading="lazy")
    return tag("figure", image, tag("figcaption", said))
