"""Which training crops a crop is likest, on a page: where a wrong answer may be from.

A crop is compared by the angle between embeddings, with crops of other locations only, as those of
its own look like it anyway.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from database_tools import imaging
from database_tools.core.people import is_people
from database_tools.pages import html, pictures
from database_tools.pages.html import tag
from tf_classification.embeddings.index import Embeddings, Ints

EACH = 3
"""Training crops that are shown of each crop."""

_SIDE, _SMALL = 224, 128  # pixels of the longer side, of the crop and of its nearest


@dataclass(frozen=True, eq=False)
class Known:
    """Crops that were learnt from: (n,) rows of the embeddings, and names and numbers."""

    rows: Ints
    labels: Sequence[str]
    locations: Ints


@dataclass(frozen=True)
class Case:
    """A crop to show, and what else there is to say of it."""

    row: int
    location: int
    label: str
    taken_for: str
    said: str


def nearest(
    found: Embeddings, rows: Ints, locations: Ints, known: Known, each: int = EACH
) -> npt.NDArray[np.int64]:
    """Find the nearest crops of other locations.

    Args:
        found: embeddings of all.
        rows: (q,) crops that are asked about.
        locations: (q,) their locations' numbers.
        known: crops to find them among.
        each: most crops for each.

    Returns:
        (q, each) positions in ``known``, the nearest first; -1 where there are no more.
    """
    asked = _directions(found.features(rows))
    best = np.full((len(rows), each), -np.inf, np.float32)
    places = np.full((len(rows), each), -1, np.int64)
    seen = 0
    for _, features in found.batches(known.rows):
        new = np.arange(seen, seen + len(features))
        seen += len(features)
        likeness = asked @ _directions(features).T
        likeness[locations[:, None] == known.locations[new]] = -np.inf
        both = np.hstack([best, likeness])
        which = np.hstack([places, np.where(np.isfinite(likeness), new, -1)])
        order = np.argsort(-both, axis=1, kind="stable")[:, :each]
        best, places = (np.take_along_axis(values, order, 1) for values in (both, which))
    return places


def _directions(features: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    plain = features.mean(axis=1)
    return plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-9)


def page(title: str, note: str, found: Embeddings, cases: Sequence[Case], known: Known) -> str:
    """Write a page of crops, each beside those that it is likest."""
    rows = np.array([case.row for case in cases], np.int64)
    near = nearest(found, rows, np.array([case.location for case in cases], np.int64), known)
    groups = (_group(found, case, its, known) for case, its in zip(cases, near, strict=True))
    start = (tag("h1", title), tag("p", note))
    return html.document(title, *start, tag("div", *groups, cls="groups"))


def _group(found: Embeddings, case: Case, near: Ints, known: Known) -> Markup:
    name = str(found.crops.names[case.row])
    heading = tag("b", f"labelled {case.label}, taken for {case.taken_for}")
    hidden = is_people(case.label) or is_people(case.taken_for)
    figures = [
        _figure(found, case.row, _SIDE, hidden, heading, tag("br"), case.said, tag("br"), name)
    ]
    for place in near[near >= 0].tolist():
        label, row = known.labels[place], int(known.rows[place])
        said = (tag("b", label), tag("br"), str(found.crops.names[row]))
        figures.append(_figure(found, row, _SMALL, is_people(label), *said))
    words = f"{name} {case.label} {case.taken_for}"
    return tag("div", *figures, cls="shots pair keys", data_name=words)


def _figure(found: Embeddings, row: int, side: int, hidden: bool, *said: str) -> Markup:
    return tag(
        "figure",
        tag("p", "a person, not shown") if hidden else _picture(found, row, side),
        tag("figcaption", *said),
    )


def _picture(found: Embeddings, row: int, side: int) -> Markup:
    content = found.encoded(row)
    try:
        if isinstance(content, bytes):
            return pictures.small(imaging.open_upright(content), side, str(found.crops.names[row]))
    except imaging.UnreadableImage:
        pass
    return tag("p", "not there")
