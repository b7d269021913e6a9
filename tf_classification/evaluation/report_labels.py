"""The parts of the report about labels: their figures, and what is taken for what."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from database_tools.pages import confusion, html
from database_tools.pages.html import percent, tag
from tf_classification.evaluation import metrics
from tf_classification.evaluation.figures import Figures
from tf_classification.evaluation.judgement import Judgement
from tf_classification.evaluation.report_content import Content

_MOST_CONFUSIONS = 12


def labels(content: Content) -> Markup:
    """Write precision, recall, thresholds and the rest for each label."""
    parts = []
    for judged in content.judgements:
        parts.append(html.fold(judged.split, _label_table(content, judged), judged is content.main))
    note = (
        "Precision: of the crops taken for the label, how many are. Recall: of the crops of the "
        "label, how many were found. In brackets the 95% interval over locations."
    )
    return html.section("Labels", tag("p", note), _alarm(content), *parts)


def _alarm(content: Content) -> Markup:
    """Name the labels that are never predicted, with what they were learnt from: mostly little."""
    found, train = content.main.figures["all"], content.splits.get("train")
    assert found is not None, "a judged split has crops"
    names = content.evaluation.label_names
    never = np.flatnonzero((found.counts.truth > 0) & (found.counts.predicted == 0))
    said = []
    for i in never:
        places = () if train is None else train.locations[train.labels == i]
        where = f"{len(places):,} crops from {len(np.unique(places)):,} locations in train"
        said.append(f"{names[i]} ({where})")
    if not said:
        return Markup("")
    return tag("p", f"Never predicted: {', '.join(said)}.", cls="callout alarm")


def _label_table(content: Content, judged: Judgement) -> Markup:
    evaluation, found = content.evaluation, judged.figures["all"]
    assert found is not None, "a judged split has crops"
    acceptance, errors = evaluation.acceptance(judged), judged.after.labels.error
    accepted = acceptance[0] if acceptance else None
    head = ["label", "crops", "precision", "recall", "F1", "calibration error"]
    head += [] if accepted is None else ["threshold", "accepted", "of these right"]
    f1 = metrics.f1(found.counts)
    rows = []
    for i, name in enumerate(evaluation.label_names):
        row = [name, f"{found.counts.truth[i]:.0f}"]
        row += [_with_interval(found, key, i) for key in ("precision", "recall")]
        row += [_known(f1[i]), _known(errors[i])]
        if accepted is not None:
            row.append(_limit(evaluation.thresholds.get(name), name in evaluation.shared))
            row.append(_share(accepted.accepted[i], accepted.examples[i]))
            row.append(_share(accepted.right[i], accepted.accepted[i]))
        rows.append(row)
    return html.table(head, rows)


def _with_interval(found: Figures, name: str, i: int) -> str:
    value = float(found.value(name)[i])
    if np.isnan(value):
        return "–"
    low, high = (float(bound[i]) for bound in found.intervals[name])
    known = low <= high
    bounds = tag("small", f" [{100 * low:.0f}, {100 * high:.0f}]" if known else "")
    bar = tag("i", style=f"width:{100 * value:.0f}%")
    return tag("span", bar, cls="bar") + percent(value) + bounds


def _limit(limit: float | None, shared: bool) -> str:
    if limit is None:
        return "always look"
    return f"{limit:.2f}" + tag("small", " shared" if shared else "")


def _known(value: float) -> str:
    return "–" if np.isnan(value) else percent(float(value))


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def confusions(content: Content) -> Markup:
    """Write the confusion matrix of each split, and its commonest mistakes."""
    names = content.evaluation.label_names
    parts = [
        html.fold(
            judged.split,
            tag(
                "div",
                confusion.svg_of(judged.confusion, names),
                _commonest(judged, names),
                cls="side",
            ),
            judged is content.main,
        )
        for judged in content.judgements
    ]
    note = "Each row: what the crops of a label were taken for, in percent."
    if len(names) > confusion.MOST_LABELS:
        note += (
            f" The {confusion.MOST_LABELS} most confused labels; all {len(names)} are in "
            "confusion_matrices.npz."
        )
    return html.section("What is taken for what", tag("p", note), *parts)


def _commonest(judged: Judgement, names: tuple[str, ...]) -> Markup:
    wrong = judged.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    pairs = [divmod(int(at), len(names)) for at in order]
    rows = [
        [names[i], names[j], str(wrong[i, j]), _share(wrong[i, j], total)]
        for i, j in pairs
        if (total := judged.confusion[i].sum()) and wrong[i, j]
    ]
    if not rows:
        return tag("p", "No crop was taken for another label.", cls="muted")
    head = ["commonest mistakes", "taken for", "crops", "of the label"]
    return tag("div", html.table(head, rows, cls="names"))
