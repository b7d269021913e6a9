"""From which numbers on a label has enough in a split; light to import, for a command's flags."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Thresholds:
    """Below what a label is extreme in a split: a number, and a share of all of the label.

    Locations are extreme below either, crops below both.
    """

    locations: tuple[float, float] = (5, 0.1)
    train_locations: tuple[float, float] = (10, 0.4)
    crops: tuple[float, float] = (300, 0.09)
    train_crops: tuple[float, float] = (1000, 0.4)
