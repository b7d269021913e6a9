"""The page of an evaluation: one HTML file that needs nothing else, without any picture."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from database_tools.core.keeping import Kept
from database_tools.core.precision_bounds import Floats
from database_tools.core.thresholds import FEWEST_LOCATIONS
from database_tools.evaluation.findings import Evaluation
from database_tools.pages import html, svg
from database_tools.pages.html import percent, tag

_TENTH = 10


def verdict(found: Evaluation) -> str:
    """Say which threshold to take, and what it keeps; or why there is none."""
    chosen = found.proposal
    if chosen.threshold is not None:
        i = _at(found)
        said = (
            f"Threshold {chosen.threshold:.2f} keeps {percent(found.animals.share[i])} of the "
            f"animal pictures here, and at new locations at least {percent(chosen.bound)} of them "
            "(with 90% confidence)"
        )
        if found.empty.pictures:
            said += f"; it removes {percent(1 - found.empty.share[i])} of the empty ones"
        return f"{said}."
    if not chosen.enough:
        return (
            f"No threshold is proposed: {found.animals.locations} locations with animals do not "
            f"tell how much locations differ, {FEWEST_LOCATIONS} would."
        )
    return (
        f"No threshold can be shown to keep {percent(found.keep)} of the animal pictures at new "
        f"locations: the lowest, {found.thresholds[0]:.2f}, keeps "
        f"{percent(found.animals.share[0])} here, and at least {percent(chosen.bound)} there."
    )


def page(found: Evaluation) -> str:
    """Write the page."""
    title = f"Is {found.detector} good enough?"
    lead = (
        f"Judged on {found.animals.pictures:,} pictures with animals and {found.empty.pictures:,} "
        f"empty ones, at {len(found.by_location):,} locations."
    )
    top = tag("section", tag("h1", title), tag("p", lead, cls="lead"))
    sections = (_thresholds(found), _labels(found), _locations(found), _notes(found))
    return html.document(title, top + tag("p", verdict(found), cls="callout"), *sections)


def _share(of: Kept, i: int, *, removed: bool = False) -> str:
    """Write a share with its interval, where there is one."""
    if not of.pictures:
        return "–"
    share, low, high = (float(part[i]) for part in (of.share, *of.interval))
    if removed:
        share, low, high = 1 - share, 1 - high, 1 - low
    return percent(share) + (f" ({percent(low)} to {percent(high)})" if low <= high else "")


def _at(found: Evaluation) -> int:
    """Return the place of the threshold that tables speak of: the proposed, else the lowest."""
    chosen = found.proposal.threshold
    return 0 if chosen is None else int(np.argmin(abs(found.thresholds - chosen)))


def _thresholds(found: Evaluation) -> Markup:
    tenths = [i for i, t in enumerate(found.thresholds) if round(t * 100) % _TENTH == 0]
    rows = [
        [
            f"{found.thresholds[i]:.2f}",
            _share(found.animals, i),
            _share(found.empty, i, removed=True),
        ]
        for i in sorted({_at(found), *tenths})
    ]
    note = (
        "A threshold keeps a picture if a box of an animal reaches it. Green: animal pictures "
        "kept; orange: empty pictures removed; thin lines: 95% intervals, by location. Thresholds "
        "below the lowest confidence in the detection file are not judged: what is not in the "
        "file, nobody can tell. thresholds.csv has all."
    )
    head = ["threshold", "animal pictures kept", "empty pictures removed"]
    side = tag("div", _chart(found), tag("div", html.table(head, rows)), cls="side")
    return html.section("What each threshold does", tag("p", note), side)


def _chart(found: Evaluation) -> Markup:
    axes = svg.Axes(340, "threshold", "share of pictures")
    parts = [axes.frame]

    def draw(values: Floats, colour: str, width: float) -> None:
        known = ~np.isnan(values)
        pairs = zip(found.thresholds[known], values[known], strict=True)
        parts.append(svg.line([axes.at(t, v) for t, v in pairs], colour, stroke_width=width))

    for of, colour, sign in ((found.animals, svg.GREEN, 1), (found.empty, svg.ORANGE, -1)):
        for values, width in ((of.share, 2.0), (of.interval.low, 0.7), (of.interval.high, 0.7)):
            draw(values if sign > 0 else 1 - values, colour, width)
    if found.proposal.threshold is not None:
        mark = [axes.at(found.proposal.threshold, y) for y in (0, 1)]
        parts.append(svg.line(mark, svg.GREY, stroke_dasharray="5 4", stroke_width=1.5))
    return svg.picture(axes.width, axes.height, "shares by threshold", *parts)


def _labels(found: Evaluation) -> Markup:
    i = _at(found)
    ordered = sorted(found.by_label.items(), key=lambda item: (item[1].share[i], item[0]))
    rows = [
        [label, f"{of.pictures:,}", f"{of.locations:,}", _share(of, i)] for label, of in ordered
    ]
    note = f"At threshold {found.thresholds[i]:.2f}, the label that loses most first."
    head = ["label", "pictures", "locations", "kept"]
    return html.section("By label", tag("p", note), html.table(head, rows, cls="find"))


def _locations(found: Evaluation) -> Markup:
    i = _at(found)

    def least(item: tuple[str, tuple[Kept, Kept]]) -> tuple[float, str]:
        share = float(item[1][0].share[i])
        return (2.0 if np.isnan(share) else share), item[0]

    rows = [
        [
            place,
            f"{animals.pictures:,}",
            _share(animals, i),
            f"{empty.pictures:,}",
            _share(empty, i, removed=True),
        ]
        for place, (animals, empty) in sorted(found.by_location.items(), key=least)
    ]
    note = f"At threshold {found.thresholds[i]:.2f}, the location that loses most first."
    head = ["location", "animal pictures", "kept", "empty pictures", "removed"]
    return html.section("By location", tag("p", note), html.table(head, rows, cls="find"))


def _notes(found: Evaluation) -> Markup:
    said = [
        f"{found.people:,} pictures of people are left aside: they are no animals, and not empty.",
        "A picture counts as kept whatever its boxes are around: only where boxes were drawn can "
        "that be judged.",
    ]
    if found.of_sequences:
        said.append(
            f"{found.of_sequences:,} of the labels are of whole bursts: their pictures without the "
            "animal count as lost, so that the true share is higher."
        )
    if found.boxes is not None:
        figures = ", ".join(f"{name} {value:.3f}" for name, value in found.boxes.items())
        said.append(
            "COCO's figures, all animals as one class, in pictures with drawn boxes and in empty "
            f"ones: {figures}."
        )
    return html.section("How to read this", tag("ul", *(tag("li", s) for s in said)))
