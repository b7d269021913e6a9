"""``comparison.html``: two classifiers side by side, and the crops that they take differently."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from database_tools import imaging
from database_tools.core.people import is_people
from database_tools.pages import html
from database_tools.pages.html import percent, tag
from tf_classification.evaluation import differences, grids
from tf_classification.evaluation.differences import FIGURES, Difference
from tf_classification.predictions.comparing import Compared

_MOST = 150  # pictures of one kind


def page(of: Compared) -> str:
    """Write the page."""
    title = f"{of.names[0]} and {of.names[1]}"
    return html.document(title, _glance(of), _changed(of), _labels(of), _places(of))


def _glance(of: Compared) -> Markup:
    cards = []
    for name in FIGURES:
        found = of.found.figures[name]
        low, high = map(float, found.interval)
        bounds = f", 95% interval {_points(low)} to {_points(high)}" if low <= high else ""
        said = differences.verdict(name, found, ("the first", "the second"))
        change = f"{percent(float(found.first))} → {percent(float(found.second))}"
        note = f"{_points(float(found.change))} points{bounds}: {said}"
        cards.append(html.card(change, name.replace("_", " "), note))
    counted = f"{len(of.examples):,} crops from {len(of.found.places):,} locations"
    return tag(
        "section",
        tag("h1", "Two classifiers"),
        tag("p", f"First: {of.names[0]}. Second: {of.names[1]}.", cls="lead"),
        tag("p", f"Split {of.split}: {counted} that both answered for.", cls="muted"),
        tag("div", *cards, cls="cards"),
    )


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


def _changed(of: Compared) -> Markup:
    parts = []
    for name, rows in of.changed().items():
        shown = [_figure(of, int(row)) for row in _seen(of, rows)[:_MOST]]
        cells = tag("div", *shown, cls="grid keys")
        parts.append(html.fold(f"{name}: {len(rows):,} crops", cells, opened=bool(shown)))
    note = "Crops that the second takes for another label than the first; a click enlarges one."
    if any(map(is_people, of.labels)):
        note += " Pictures of people are not shown."
    return html.section("Which crops changed", tag("p", note), *parts)


def _seen(of: Compared, rows: npt.NDArray[np.int64]) -> list[int]:
    """Leave out whatever may be of people; the surest of the second come first."""
    hidden = np.array([is_people(name) for name in of.labels])
    first, second = of.said
    labels = np.stack([of.examples.labels[rows], first.predicted[rows], second.predicted[rows]])
    visible = rows[~hidden[labels].any(axis=0)]
    order = np.argsort(-of.said[1].confidences[visible], kind="stable")
    return [int(row) for row in visible[order]]


def _figure(of: Compared, row: int) -> Markup:
    names, example = of.labels, of.examples
    takes = [f"{names[s.predicted[row]]} {s.confidences[row]:.0%}" for s in of.said]
    true = names[example.labels[row]]
    said = f"{example.keys[row]}: {true}; first {takes[0]}, second {takes[1]}"
    try:
        source = grids.thumbnail(*example.reader(np.array([row])))
    except imaging.UnreadableImage:  # gone since it was classified
        source = ""
    right = of.said[1].predicted[row] == example.labels[row]
    image = tag("img", src=source, alt=said, title=said, loading="lazy")
    caption = tag("figcaption", f"{true}: {takes[0]} → {takes[1]}")
    return tag("figure", image, caption, cls="right" if right else "wrong")


def _labels(of: Compared) -> Markup:
    figures = of.found.figures
    rows = []
    for i, name in enumerate(of.labels):
        cells: list[str] = [name, f"{of.found.crops[i]:.0f}"]
        for figure in ("recall", "precision"):
            cells += _cells(figures[figure], i)
        rows.append(cells)
    head = ["label", "crops"]
    for figure in ("recall", "precision"):
        head += [f"{figure}, first", "second", "difference"]
    note = "In brackets the 95% interval of the difference, over locations."
    return html.section("By label", tag("p", note), html.table(head, rows, cls="find"))


def _cells(found: Difference, i: int) -> Sequence[str]:
    first, second = float(found.first[i]), float(found.second[i])
    low, high = (float(bound[i]) for bound in found.interval)
    known = [("–" if np.isnan(value) else percent(value)) for value in (first, second)]
    bounds = tag("small", f" [{_points(low)}, {_points(high)}]") if low <= high else ""
    change = second - first
    return [*known, "–" if np.isnan(change) else tag("span", _points(change)) + bounds]


def _places(of: Compared) -> Markup:
    rows = []
    for place, crops, a, b in zip(
        of.found.places, of.found.place_crops, *of.found.place_right, strict=True
    ):
        shares = percent(a / crops), percent(b / crops), _points((b - a) / crops)
        rows.append([*of.locations[place], f"{crops:.0f}", *shares])
    head = ["dataset", "location", "crops", "right, first", "second", "difference"]
    return html.section("By location", html.table(head, rows, cls="find"))
