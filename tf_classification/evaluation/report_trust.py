"""The parts of the report about confidence: its calibration, and what it allows to accept."""

from __future__ import annotations

import numpy as np
from markupsafe import Markup

from database_tools.core.thresholds import PROMISE
from database_tools.pages import html
from database_tools.pages.html import percent, tag
from tf_classification.data.examples import Examples
from tf_classification.evaluation import charts, report_labels
from tf_classification.evaluation.acceptance import Acceptance, interval
from tf_classification.evaluation.judgement import Judgement, Predictions
from tf_classification.evaluation.reliability import ReliabilityCurve
from tf_classification.evaluation.report_content import Content
from tf_classification.models.calibration import Calibration


def trust(content: Content) -> Markup:
    """Write the calibration curves, before and after."""
    applied, judged = content.evaluation.calibration, content.main
    parts = [tag("p", _calibration_said(applied))]
    before = None if applied == Calibration() else judged.before.top
    plot = charts.reliability(before, judged.after.top)
    rows = [
        [j.split, percent(float(j.before.top.error)), percent(float(j.after.top.error))]
        for j in content.judgements
    ]
    head = ["calibration error", "plain softmax", "as given"]
    parts.append(tag("div", plot, tag("div", html.table(head, rows)), cls="side"))
    names = content.evaluation.label_names
    each = [_label_curve(content, judged, i) for i in range(len(names)) if _occurs(judged, i)]
    parts.append(
        html.fold("a sheet for each label", tag("div", *each, cls="small"), len(each) < 13)
    )
    return html.section("Do the probabilities mean what they say?", *parts)


def _occurs(judged: Judgement, i: int) -> bool:
    return bool(judged.confusion[i].sum())


def _label_curve(content: Content, judged: Judgement, i: int) -> Markup:
    """Draw the sheet of a label: its curve, and its figures below."""

    def of(curve: ReliabilityCurve) -> ReliabilityCurve:
        return ReliabilityCurve(curve.number[i], curve.said[i], curve.so[i])

    evaluation, found = content.evaluation, judged.figures["all"]
    train = content.splits.get("train")
    assert found is not None, "a judged split has crops"
    plain = evaluation.calibration == Calibration()
    before = None if plain else of(judged.before.labels)
    after = of(judged.after.labels)
    name = evaluation.label_names[i]
    said = [tag("b", name), f"calibration error {percent(float(after.error))}"]
    said += [
        tag("span", f"{key} ", report_labels.with_interval(found, key, i))
        for key in ("precision", "recall")
    ]
    said.append(f"{judged.split}: {_counted(judged.predictions, i)}")
    if train is not None and judged.split != "train":
        said.append(f"train: {_counted(train, i)}")
    if evaluation.thresholds:
        limit = report_labels.limit(evaluation.thresholds.get(name), name in evaluation.shared)
        said.append(tag("span", "accepted from ", limit))
    caption = tag("figcaption", *(tag("div", line) for line in said))
    plot = charts.reliability(before, after, side=150)
    return tag("figure", plot, caption, cls=f"sheet l{i}", data_name=name)


def _counted(crops: Examples | Predictions, i: int) -> str:
    places = crops.locations[crops.labels == i]
    return f"{len(places):,} crops of {len(np.unique(places)):,} locations"


def _calibration_said(applied: Calibration) -> str:
    said = (
        "On the dashed line, of the crops given 80%, eight in ten are what was said. Below it the "
        "classifier is too sure of itself. Larger dots: more crops. "
    )
    if applied == Calibration():
        return said + "These are the network's own probabilities (no calibration)."
    how = f"by dividing the logits by a temperature of {applied.temperature:.2f}"
    if applied.curves is not None:
        how = "with a curve for each label (isotonic)"
    return f"{said}Calibrated {how}. Orange: before, green: after."


def promise(content: Content) -> Markup:
    """Say first what the thresholds promise, and what they did to crops that chose none."""
    evaluation, judged = content.evaluation, content.main
    found = evaluation.acceptance(judged)
    if found is None:
        said = "No thresholds are known: judge val too, on which they are chosen."
    elif all(limit is None for limit in evaluation.thresholds.values()):
        said = (
            "None can be accepted yet without a look: val has too few crops or locations, or too "
            f"many mistakes, to promise a precision of {evaluation.precision:.0%}."
        )
    else:
        with_one = sum(limit is not None for limit in evaluation.thresholds.values())
        said = (
            f"{with_one} of {len(evaluation.label_names)} labels have a threshold, chosen on val "
            f"so that {PROMISE}. The target is {evaluation.precision:.0%}. "
        ) + _did(content, judged, *found)
    return tag("p", said, cls="callout")


def _did(content: Content, judged: Judgement, crops: Acceptance, images: Acceptance) -> str:
    if judged.split == "val":
        return "What they do to other crops than these only test can tell."
    if crops.precision is None:
        return f"On {judged.split} they accept nothing."
    accepted, found = content.evaluation.accepted(judged), judged.predictions
    low, high = map(float, interval(accepted, found.right, found.locations))
    sure = f" (95% interval {percent(low)} to {percent(high)})" if low <= high else ""
    said = (
        f"On {judged.split} they accept {crops.coverage:.0%} of the crops, of which "
        f"{percent(crops.precision)} are right{sure}, and {images.coverage:.0%} of the images."
    )
    if crops.precision < content.evaluation.precision:
        said += " That is less than the target: the locations of val do not stand for all."
    return said


def acceptance(content: Content) -> Markup:
    """Write what the thresholds did to each split, and the risk-coverage curve."""
    judged, wanted = content.main, content.evaluation.precision
    rows = []
    for each in content.judgements:
        for name, found in zip(
            ("crops", "images"), content.evaluation.acceptance(each) or (), strict=False
        ):
            right = "–" if found.precision is None else percent(found.precision)
            chosen = ", where they were chosen" if each.split == "val" else ""
            rows.append([each.split + chosen, name, f"{found.coverage:.0%}", right])
    head = ["what the thresholds accept", "", "accepted", "of these right"]
    table = tag("div", html.table(head, rows, cls="names")) if rows else ""
    note = (
        f"Accept the surest predictions of {judged.split} first: the curve says how many of the "
        "accepted ones are right (green: crops, blue: whole images, which are as sure as their "
        "least sure crop and right if every crop is). It shows what is there, and chooses nothing: "
        "a threshold read off these crops would keep less on others."
    )
    curves = {
        "crops": judged.risk_coverage(by_image=False),
        "images": judged.risk_coverage(by_image=True),
    }
    plot = charts.risk_coverage(curves, wanted)
    return html.section(
        "What can be accepted without a look", tag("p", note), tag("div", plot, table, cls="side")
    )
