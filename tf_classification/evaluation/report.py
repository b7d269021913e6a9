"""The report of an evaluation: one HTML page that needs nothing else, and no network.

Mistakes come first.  A click on a cell of a confusion matrix shows the crops in it, one on a
label its figures, its calibration and its crops.

page(Content("ckpt_12.weights.h5", evaluation, dataset.splits))
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup

from database_tools.core.people import is_people
from database_tools.core.thresholds import FEWEST_LOCATIONS, PROMISE
from database_tools.pages import html
from database_tools.pages.html import percent, tag
from tf_classification.evaluation import (
    charts,
    grids,
    report_alarm,
    report_labels,
    report_picks,
    report_trust,
)
from tf_classification.evaluation.figures import HEADLINE, Figures
from tf_classification.evaluation.grids import Grid, Thumbnail
from tf_classification.evaluation.judgement import Judgement
from tf_classification.evaluation.report_content import Content

_PLACES = {"all": "all locations", "seen": "locations seen in training", "new": "new locations"}
_NAMES = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1"}


_FEW = 12  # labels whose pictures are shown at once
_SUREST = 16  # mistakes that are shown before all others, where there are many labels


def page(content: Content, *more: Markup) -> str:
    """Write the page, with more sections before the notes at its end."""
    sections = (
        _glance,
        report_labels.confusions,
        _pictures,
        report_labels.labels,
        _places,
        report_trust.trust,
        report_trust.acceptance,
    )
    parts = (section(content) for section in sections)
    return html.document(content.title, *parts, *more, _notes(content))


def _glance(content: Content) -> Markup:
    judged, evaluation = content.main, content.evaluation
    place = "new" if judged.figures["new"] is not None else "all"
    found = judged.figures[place]
    assert found is not None, "a judged split has crops"
    cards = [_card(_NAMES[name], found, name) for name in HEADLINE]
    cards.append(_error_card(judged))
    splits = ", ".join(
        f"{j.split} ({len(j.predictions.rows):,} crops)" for j in evaluation.judgements
    )
    counted = f"{found.crops:,} crops from {found.locations:,} {_PLACES[place]}"
    return tag(
        "section",
        tag("h1", content.title),
        tag("p", f"{len(evaluation.label_names)} labels · judged on {splits}", cls="muted"),
        tag("p", f"Split {judged.split}: {counted}.", cls="lead"),
        tag("div", *cards, cls="cards"),
        report_trust.promise(content),
        report_alarm.alarm(content),
    )


def _card(name: str, found: Figures, key: str) -> Markup:
    low, high = map(float, found.intervals[key])
    interval = f"95% interval {percent(low)} to {percent(high)}"
    if not low <= high:
        few = found.locations < 2
        interval = f"no interval: {'one location' if few else 'the same at every location'}"
    return html.card(percent(float(found.value(key))), name, interval)


def _error_card(judged: Judgement) -> Markup:
    after, before = float(judged.after.top.error), float(judged.before.top.error)
    note = "mean gap between confidence and share right"
    if after != before:
        note = f"before calibration {percent(before)}"
    return html.card(percent(after), "calibration error", note)


def _places(content: Content) -> Markup:
    parts = []
    for name in HEADLINE:
        rows = []
        for judged in content.judgements:
            for place, found in judged.figures.items():
                if found is None or (place == "all" and _one_place_only(judged)):
                    continue
                low, high = map(float, found.intervals[name])
                said = f"{judged.split}, {_PLACES[place]} ({found.locations})"
                rows.append((said, float(found.value(name)), low, high))
        parts.append(tag("div", tag("h3", _NAMES[name]), charts.interval_rows(rows), cls="wide"))
    note = (
        "Cameras that the classifier has never seen are harder than those it was trained on; new "
        "locations are what you will meet in the field. Intervals come from drawing whole "
        "locations again and again, since pictures of one camera resemble each other. The train "
        "split flatters: the classifier has seen those very pictures."
    )
    shares = ("acc_top1", "acc_weighted_top1", "acc_top3", "acc_weighted_top3")
    head = ["split", "accuracy", "weighted accuracy", "top 3", "weighted top 3", "loss", "weighted"]
    overall = [
        [
            j.split,
            *(f"{j.overall[share]:.1f}%" for share in shares),
            *(f"{j.overall[loss]:.3f}" for loss in ("loss", "loss_weighted")),
        ]
        for j in content.judgements
    ]
    table = html.table(head, overall)
    weighted = tag(
        "p", "Weighted: every label counts the same, however many crops it has.", cls="muted"
    )
    return html.section("Seen and new locations", tag("p", note), *parts, table, weighted)


def _one_place_only(judged: Judgement) -> bool:
    """Tell whether "all" says nothing beyond "seen" or "new"."""
    return (judged.figures["seen"] is None) != (judged.figures["new"] is None)


def _pictures(content: Content) -> Markup:
    judged = content.main
    names = content.evaluation.label_names
    found = grids.by_prediction(content.splits[judged.split], judged.predictions, names)
    note = (
        f"Crops of {judged.split} by what they were taken for; a click enlarges one. Labels for "
        "which most was mistaken come first."
    )
    if any(is_people(name) for name in names):
        note += " Pictures of people are not shown."
    wrong = judged.confusion.sum(axis=0) - np.diagonal(judged.confusion)
    ordered = sorted(found, key=lambda grid: -wrong[grid.taken])
    few = len(found) <= _FEW
    parts = [_grid(grid, names, int(wrong[grid.taken]), few) for grid in ordered]
    first, rest = (tag("div", *part, cls="folds") for part in (parts[:_FEW], parts[_FEW:]))
    if few:
        return html.section("Pictures", tag("p", note), first)
    mistakes = sorted((t for grid in found for t in grid.wrong), key=lambda t: -t.confidence)
    surest = tag("div", *(_figure(t, names) for t in mistakes[:_SUREST]), cls="grid keys")
    others = html.fold(f"{len(parts) - _FEW} other labels", rest, opened=False)
    shown = (tag("h4", "the surest mistakes"), surest) if mistakes else ()
    return html.section("Pictures", tag("p", note), *shown, first, others)


def _grid(grid: Grid, names: tuple[str, ...], wrong: int, opened: bool) -> Markup:
    rows = {"wrong, the surest first": grid.wrong, "right, the least sure first": grid.right}
    parts = [
        tag("div", tag("h4", said), tag("div", *_figures(thumbnails, names), cls="grid keys"))
        for said, thumbnails in rows.items()
        if thumbnails
    ]
    name = names[grid.taken]
    heading = f"taken for {name}, {wrong:,} wrongly"
    place = {"id": f"label-{grid.taken}", "data_name": name}
    return html.fold(heading, Markup("").join(parts), opened, **place)


def _figures(thumbnails: tuple[Thumbnail, ...], names: tuple[str, ...]) -> Iterator[Markup]:
    """Yield pictures that a click on a label or a cell collects."""
    for one in thumbnails:
        yield _figure(one, names, report_picks.classes(one.true, one.taken))


def _figure(of: Thumbnail, names: tuple[str, ...], classes: str = "wrong") -> Markup:
    label, taken = names[of.true], names[of.taken]
    said = f"{of.key}: {label}, taken for {taken} with {of.confidence:.1%}"
    image = tag("img", src=of.source, alt=said, title=said, loading="lazy")
    caption = f"{of.confidence:.0%}" if of.true == of.taken else f"{label} {of.confidence:.0%}"
    return tag("figure", image, tag("figcaption", caption), cls=classes)


def _notes(content: Content) -> Markup:
    said = [
        "One crop, one true label: a wrong label of the picture counts as a mistake of the "
        "classifier. identify_mislabeled_candidates.py lists the likely ones.",
        "Only what the detector found and cropped is judged here; animals that it missed are not "
        "in these figures.",
        f"Thresholds are chosen on val so that {PROMISE}. A label with too few crops there, or "
        f"fewer than {FEWEST_LOCATIONS} locations, takes the threshold of all labels together "
        "(shared), or none.",
        "Figures of labels with few crops or few locations are uncertain, whatever their value: "
        "see their intervals.",
    ]
    return html.section("How to read this", tag("ul", *(tag("li", s) for s in said)))
