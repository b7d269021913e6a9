"""The parts of the report about confidence: its calibration, and what it allows to accept."""

from __future__ import annotations

from tf_classification.evaluation import charts, html
from tf_classification.evaluation.html import percent, tag, words
from tf_classification.evaluation.judgement import Judgement
from tf_classification.evaluation.reliability import Curve
from tf_classification.evaluation.report_content import Content
from tf_classification.models.calibration import Calibration


def trust(content: Content) -> str:
    """Write the calibration curves, before and after."""
    applied, judged = content.evaluation.calibration, content.main
    parts = [tag("p", words(_calibration_said(applied)))]
    before = None if applied == Calibration() else judged.before.top
    plot = charts.reliability(before, judged.after.top)
    rows = [
        [words(j.split), percent(float(j.before.top.error)), percent(float(j.after.top.error))]
        for j in content.judgements
    ]
    head = ["calibration error", "plain softmax", "as given"]
    parts.append(tag("div", plot, tag("div", html.table(head, rows)), cls="side"))
    names = content.evaluation.label_names
    each = [_label_curve(content, judged, i) for i in range(len(names)) if _occurs(judged, i)]
    parts.append(
        html.fold("a curve for each label", tag("div", *each, cls="small"), len(each) < 13)
    )
    return html.section("Do the probabilities mean what they say?", *parts)


def _occurs(judged: Judgement, i: int) -> bool:
    return bool(judged.confusion[i].sum())


def _label_curve(content: Content, judged: Judgement, i: int) -> str:
    def of(curve: Curve) -> Curve:
        return Curve(curve.number[i], curve.said[i], curve.so[i])

    plain = content.evaluation.calibration == Calibration()
    before = None if plain else of(judged.before.labels)
    after = of(judged.after.labels)
    name = f"{content.evaluation.label_names[i]} · error {percent(float(after.error))}"
    plot = charts.reliability(before, after, side=150)
    return tag("figure", plot, tag("figcaption", words(name)))


def _calibration_said(applied: Calibration) -> str:
    said = (
        "On the dashed line, of the crops given 80%, eight in ten are what was said. Below it the "
        "classifier is too sure of itself. Larger dots: more crops. "
    )
    if applied == Calibration():
        return said + "These are the network's own probabilities (no calibration)."
    if applied.curves is not None:
        return (
            said
            + "Calibrated with a curve for each label (isotonic). Orange: before, green: after."
        )
    return (
        said
        + f"Calibrated by dividing the logits by a temperature of {applied.temperature:.2f}. "
        + "Orange: before, green: after."
    )


def acceptance(content: Content) -> str:
    """Write the risk-coverage curve and what it allows."""
    judged, wanted = content.main, content.evaluation.precision
    curves = {
        "crops": judged.risk_coverage(by_image=False),
        "images": judged.risk_coverage(by_image=True),
    }
    rows = []
    for name, curve in curves.items():
        for precision in sorted({wanted, 0.9, 0.95, 0.99}):
            point = curve.at(precision)
            share = "none" if point is None else f"{curve.coverage[point]:.0%}"
            limit = "–" if point is None else f"{curve.threshold[point]:.3f}"
            rows.append([name, f"{precision:.0%}", share, limit])
    table = html.table(["accept", "wanted precision", "can be accepted", "confidence from"], rows)
    note = (
        f"Accept the surest predictions of {judged.split} first: the curve says how many of the "
        "accepted ones are right (green: crops, blue: whole images, which are as sure as their "
        "least sure crop and right if every crop is). One threshold for all labels, chosen on "
        "these very crops; thresholds for each label, chosen on val, are in the table of labels."
    )
    plot = charts.risk_coverage(curves, wanted)
    return html.section(
        "What can be accepted without a look",
        tag("p", words(note)),
        tag("div", plot, tag("div", table), cls="side"),
    )
