"""The charts of an evaluation as SVG text: for the report, and for a notebook's ``display``.

from IPython.display import SVG
SVG(charts.reliability(None, judged.after.top))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from database_tools.pages import svg
from database_tools.pages.svg import BLUE, GREEN, GREY, ORANGE, PALE
from tf_classification.evaluation.acceptance import RiskCoverage
from tf_classification.evaluation.reliability import ReliabilityCurve

_MOST_POINTS = 300  # of a curve
_SOLID = 5  # crops of a bin that a line goes through


def reliability(
    before: ReliabilityCurve | None, after: ReliabilityCurve, side: float = 260
) -> Markup:
    """Draw calibration curves: share of right ones against confidence, points sized by crops.

    Args:
        before: (BINS,) of plain softmax; None if nothing was done to it.
        after: (BINS,) of the probabilities that are written.
        side: of the plot in pixels.
    """
    axes = svg.Axes(side, "probability that was given", "share that was so")
    parts = [axes.frame, svg.line([axes.at(0, 0), axes.at(1, 1)], GREY, stroke_dasharray="4 4")]
    if before is not None:
        parts.append(_curve(axes, before, ORANGE, "before calibration"))
    parts.append(_curve(axes, after, GREEN, "as given"))
    return svg.picture(axes.width, axes.height, "calibration curve", *parts)


def _curve(axes: svg.Axes, curve: ReliabilityCurve, colour: str, name: str) -> Markup:
    bins = np.flatnonzero(curve.number)
    most = max(curve.number.max(), 1)
    points = [axes.at(curve.confidence[i], curve.share[i]) for i in bins]
    dots = [
        svg.shape(
            "circle",
            svg.title(
                f"{name}: {curve.number[i]:.0f} with {curve.confidence[i]:.0%}, "
                f"of which {curve.share[i]:.0%} so"
            ),
            cx=x,
            cy=y,
            r=2 + 5 * float(np.sqrt(curve.number[i] / most)),
            fill=colour,
            fill_opacity=0.75,
        )
        for i, (x, y) in zip(bins, points, strict=True)
    ]
    # Bins of a few crops jump between 0 and 1; a line through them would say too much.
    solid = [point for i, point in zip(bins, points, strict=True) if curve.number[i] >= _SOLID]
    return svg.line(solid, colour, stroke_width=1.5) + Markup("").join(dots)


def risk_coverage(curves: Mapping[str, RiskCoverage], wanted: float, side: float = 340) -> Markup:
    """Draw how precise predictions are when only the surest share is accepted; mark ``wanted``."""
    kept = {name: _readable(curve) for name, curve in curves.items()}
    lowest = min([wanted, *(float(y.min()) for _, y in kept.values() if len(y))])
    axes = svg.Axes(
        side, "share accepted without a look", "of these right", min(np.floor(lowest * 5) / 5, 0.8)
    )
    mark = [axes.at(0, wanted), axes.at(1, wanted)]
    parts = [axes.frame, svg.line(mark, ORANGE, stroke_dasharray="5 4", stroke_width=1.5)]
    for i, ((name, (x, y)), colour) in enumerate(zip(kept.items(), (GREEN, BLUE), strict=False)):
        points = [axes.at(a, b) for a, b in zip(x, y, strict=True)]
        parts.append(svg.line(points, colour))
        corner = axes.at(0.04, axes.lowest)
        bold = {"fill": colour, "font_weight": 600}
        parts.append(svg.text(corner[0], corner[1] - 12 - 17 * i, name, **bold))
    return svg.picture(axes.width, axes.height, "risk-coverage curve", *parts)


def _readable(curve: RiskCoverage) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Thin a curve out, and leave out its start: a few crops jump between 0 and 1."""
    start = int(np.searchsorted(curve.coverage, 0.02))
    points = np.arange(start, len(curve.coverage))
    if len(points) > _MOST_POINTS:
        points = points[np.linspace(0, len(points) - 1, _MOST_POINTS).round().astype(int)]
    return curve.coverage[points], curve.precision[points]


def interval_rows(rows: Sequence[tuple[str, float, float, float]]) -> Markup:
    """Draw a dot with its interval for each (name, value, low, high); shares, NaN for none."""
    left, width, height = 250, 420, 26
    lowest = min([min(v, low) if low <= v else v for _, v, low, _ in rows], default=0.0)
    start = min(max(int(lowest * 10), 0), 9)  # tenths

    def x(value: float) -> float:
        return left + (10 * value - start) / (10 - start) * width

    bottom = height * len(rows) + 6
    parts = []
    for tenth in range(start, 11, 1 if start >= 5 else 2):
        at = x(tenth / 10)
        parts.append(svg.line([(at, 4), (at, bottom)], PALE, stroke_width=1))
        parts.append(
            svg.text(at, bottom + 15, f"{tenth * 10}%", text_anchor="middle", class_="tick")
        )
    for i, (name, value, low, high) in enumerate(rows):
        y = height * i + 19
        parts.append(svg.text(left - 10, y + 4, name, text_anchor="end"))
        said = f"{value:.1%}"
        if low <= high:
            said += f" ({low:.1%} to {high:.1%})"
            parts.append(
                svg.line([(x(low), y), (x(high), y)], GREEN, stroke_width=4, stroke_opacity=0.35)
            )
        dot = svg.shape("circle", svg.title(said), cx=x(value), cy=y, r=5, fill=GREEN)
        parts += [dot, svg.text(left + width + 12, y + 4, said)]
    return svg.picture(left + width + 190, bottom + 22, "figures with intervals", *parts)
