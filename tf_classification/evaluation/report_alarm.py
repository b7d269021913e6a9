"""The part of the report that nobody may overlook: labels that are never predicted, and why."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from database_tools.core.thresholds import FEWEST_LOCATIONS
from database_tools.pages import html
from database_tools.pages.html import tag
from tf_classification.evaluation import report_picks
from tf_classification.evaluation.report_content import Content

_FEW_CROPS = 50
_SHOWN = 6  # more of them are in a part that can be opened


def alarm(content: Content) -> Markup:
    """Name the labels that occur and are never predicted; nothing where there is none."""
    judged, names = content.main, content.evaluation.label_names
    crops, predicted = judged.confusion.sum(axis=1), judged.confusion.sum(axis=0)
    never = np.flatnonzero((crops > 0) & (predicted == 0)).tolist()
    if not never:
        return Markup("")
    link = report_picks.links(judged.confusion, names)
    rows = []
    for i in never:
        taken = int(judged.confusion[i].argmax())
        mostly = f"{names[taken]} ({judged.confusion[i, taken] / crops[i]:.0%})"
        row = [tag("a", names[i], **link(i)), tag("a", mostly, **link(i, taken))]
        rows.append([*row, *_learnt(content, i, names[taken])])
    head = ["never predicted", "mostly taken for", "crops in train", "locations", "likely reason"]
    table = html.table(head, rows, cls="names find words")
    number = "1 label is" if len(never) == 1 else f"{len(never):,} labels are"
    said = tag("p", f"{number} never predicted on {judged.split}.", cls="callout alarm")
    return said + (table if len(never) <= _SHOWN else html.fold("which, and why", table, False))


def _learnt(content: Content, i: int, taken_for: str) -> list[str]:
    """Say of how many crops and locations a label was learnt, and what may follow from it."""
    train = content.splits.get("train")
    if train is None:
        return ["–", "–", "unknown: there is no train split"]
    places = train.locations[train.labels == i]
    crops, locations = len(places), len(np.unique(places))
    return [f"{crops:,}", f"{locations:,}", likely_reason(crops, locations, taken_for)]


def likely_reason(crops: int, locations: int, taken_for: str) -> str:
    """Say why a label that was learnt from so much may be never predicted."""
    if not crops:
        return "nothing to learn from"
    few = [f"few crops (fewer than {_FEW_CROPS})"] if crops < _FEW_CROPS else []
    if locations < FEWEST_LOCATIONS:
        few.append(f"few locations (fewer than {FEWEST_LOCATIONS})")
    if few:
        return " and ".join(few)
    return f"not its number: it may look like {taken_for}, or its labels may be wrong"
