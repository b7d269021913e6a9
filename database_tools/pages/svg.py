"""Drawing with text: the few SVG shapes that charts are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from database_tools.pages.html import tag

# Colours that remain apart for people who see no red or no green (Okabe and Ito).
# In a dark page, page.css has others in their place.
GREEN, ORANGE, BLUE, GREY, INK = "#00735c", "#d55e00", "#0072b2", "#8a948f", "#1f2a26"
PALE = "#e3e8e5"
_HEATS = {GREEN: (0, 115, 92), ORANGE: (213, 94, 0)}


def heat(share: float, colour: str) -> str:
    """Mix a colour with white: 0 gives white, 1 the colour."""
    red, green, blue = (round(255 + strength(share) * (part - 255)) for part in _HEATS[colour])
    return f"#{red:02x}{green:02x}{blue:02x}"


def strength(share: float) -> float:
    """Return how much of a colour a share has: its root, so that small ones are seen."""
    return float(np.clip(share, 0, 1)) ** 0.6


def shape(name: str, content: str = "", **attributes: object) -> Markup:
    """Write an element; ``stroke_width`` becomes ``stroke-width``, floats get two decimals."""
    return tag(name, content, **{key: _value(value) for key, value in attributes.items()})


def _value(value: object) -> str:
    if isinstance(value, float | np.floating):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return str(value)


def text(x: float, y: float, words: str, **attributes: object) -> Markup:
    """Write words at a point."""
    return shape("text", words, x=x, y=y, **attributes)


def title(words: str) -> Markup:
    """Write what shows when the pointer rests on the shape around it."""
    return shape("title", words)


def line(points: Sequence[tuple[float, float]], colour: str, **attributes: object) -> Markup:
    """Draw a line through points."""
    path = " ".join(f"{_value(float(x))},{_value(float(y))}" for x, y in points)
    attributes.setdefault("stroke_width", 2)
    return shape("polyline", "", points=path, fill="none", stroke=colour, **attributes)


def picture(width: float, height: float, label: str, *parts: Markup) -> Markup:
    """Put parts together; the picture shrinks with the page and never grows."""
    return shape(
        "svg",
        Markup("").join(parts),
        viewBox=f"0 0 {width:.0f} {height:.0f}",
        width=f"{width:.0f}",
        role="img",
        aria_label=label,
        xmlns="http://www.w3.org/2000/svg",
    )


class Axes:
    """A square plot of shares: both axes go from 0 (or ``lowest``) to 1.

    Args:
        side: of the plot in pixels; a small one has fewer ticks and no names of axes.
        across: what the horizontal axis says.
        upwards: what the vertical axis says.
        lowest: where the vertical axis starts.
    """

    LEFT, TOP, BELOW, RIGHT = 54, 12, 44, 24
    SMALL = 200

    def __init__(self, side: float, across: str, upwards: str, lowest: float = 0.0) -> None:
        self.side, self.lowest = side, lowest
        small = side < self.SMALL
        self.width = side + self.LEFT + self.RIGHT
        self.height = side + self.TOP + (self.BELOW - 20 * small)
        ticks = 2 if small else 5
        parts = [self._tick(i / ticks) for i in range(ticks + 1)]
        if not small:
            middle_x, middle_y = self.LEFT + side / 2, self.TOP + side / 2
            turn = f"rotate(-90 14 {middle_y:.0f})"
            name = {"text_anchor": "middle", "class_": "axis"}
            parts.append(text(middle_x, self.height - 6, across, **name))
            parts.append(text(14, middle_y, upwards, transform=turn, **name))
        self.frame = Markup("").join(parts)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Tell the pixel of a point."""
        upwards = (y - self.lowest) / (1 - self.lowest)
        return self.LEFT + x * self.side, self.TOP + (1 - upwards) * self.side

    def _tick(self, share: float) -> Markup:
        value = self.lowest + share * (1 - self.lowest)
        (x, bottom), (left, y) = self.at(share, self.lowest), self.at(0, value)
        return Markup("").join(
            [
                line([(left, y), (left + self.side, y)], PALE, stroke_width=1),
                text(left - 6, y + 4, f"{value:.0%}", text_anchor="end", class_="tick"),
                text(x, bottom + 16, f"{share:.0%}", text_anchor="middle", class_="tick"),
            ]
        )
