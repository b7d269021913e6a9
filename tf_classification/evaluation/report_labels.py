"""The parts of the report about labels: their figures, and what is taken for what."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from database_tools.pages import confusion, html
from database_tools.pages.html import percent, tag
from tf_classification.evaluation import metrics, report_picks
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
        "label, how many were found. In brackets the 95% interval over locations. A click on a "
        "column's head sorts, one on a label shows its calibration and its crops."
    )
    return html.section("Labels", tag("p", note), *parts)


def _label_table(content: Content, judged: Judgement) -> Markup:
    evaluation, found = content.evaluation, judged.figures["all"]
    assert found is not None, "a judged split has crops"
    acceptance, errors = evaluation.acceptance(judged), judged.after.labels.error
    accepted = acceptance[0] if acceptance else None
    head = ["label", "crops", "precision", "recall", "F1", "calibration error"]
    head += [] if accepted is None else ["threshold", "accepted", "of these right"]
    f1 = metrics.f1(found.counts)
    rows, link = [], report_picks.links(content.main.confusion, evaluation.label_names)
    for i, name in enumerate(evaluation.label_names):
        row = [tag("a", name, **link(i)), f"{found.counts.truth[i]:.0f}"]
        row += [with_interval(found, key, i) for key in ("precision", "recall")]
        row += [_known(f1[i]), _known(errors[i])]
        if accepted is not None:
            row.append(limit(evaluation.thresholds.get(name), name in evaluation.shared))
            row.append(_share(accepted.accepted[i], accepted.examples[i]))
            row.append(_share(accepted.right[i], accepted.accepted[i]))
        rows.append(row)
    return html.table(head, rows, cls="find")


def with_interval(found: Figures, name: str, i: int) -> str:
    """Write a label's figure as a bar, a number and its interval over locations."""
    value = float(found.value(name)[i])
    if np.isnan(value):
        return "–"
    low, high = (float(bound[i]) for bound in found.intervals[name])
    known = low <= high
    bounds = tag("small", f" [{100 * low:.0f}, {100 * high:.0f}]" if known else "")
    return html.meter(value) + percent(value) + bounds


def limit(threshold: float | None, shared: bool) -> str:
    """Write from where on a label is accepted."""
    if threshold is None:
        return "always look"
    return f"{threshold:.2f}" + tag("small", " shared" if shared else "")


def _known(value: float) -> str:
    return "–" if np.isnan(value) else percent(float(value))


def _share(part: float, whole: float) -> str:
    return f"{part / whole:.0%}" if whole else "–"


def confusions(content: Content) -> Markup:
    """Write the confusion matrix of each split, and its commonest mistakes."""
    names = content.evaluation.label_names
    parts = [
        html.fold(
            judged.split, _matrix(judged, names, judged is content.main), judged is content.main
        )
        for judged in content.judgements
    ]
    note = (
        "Each row: what the crops of a label were taken for, in percent. A click on a cell shows "
        "the crops in it, one on a label what is known of it; arrow keys move."
    )
    if len(names) > confusion.MOST_LABELS:
        note += (
            f" The {confusion.MOST_LABELS} most confused labels; all {len(names)} are in "
            "confusion_matrices.npz."
        )
    return html.section("What is taken for what", tag("p", note), *parts)


def _matrix(judged: Judgement, names: tuple[str, ...], pictures: bool) -> Markup:
    """Draw a split; labels and cells are links where the report has pictures of it."""
    link = report_picks.links(judged.confusion, names) if pictures else None
    chart = tag("div", confusion.svg_of(judged.confusion, names, link), cls="wide keys")
    return tag("div", chart, _commonest(judged, names, link), cls="side")


def _commonest(
    judged: Judgement, names: tuple[str, ...], link: report_picks.Links | None
) -> Markup:
    wrong = judged.confusion.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:_MOST_CONFUSIONS]
    rows = []
    for i, j in (divmod(int(at), len(names)) for at in order):
        if wrong[i, j]:
            first = tag("a", names[i], **link(i, j)) if link else names[i]
            share = _share(wrong[i, j], judged.confusion[i].sum())
            rows.append([first, names[j], str(wrong[i, j]), share])
    if not rows:
        return tag("p", "No crop was taken for another label.", cls="muted")
    head = ["commonest mistakes", "taken for", "crops", "of the label"]
    return tag("div", html.table(head, rows, cls="names find"))
