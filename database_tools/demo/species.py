"""The eight species of the demo world: what they are called, how many and how big they are.

They differ in shape and texture only.  Colour says nothing: an infrared picture has none, and
by day every animal's colour is drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from database_tools.demo import bodies, quadrupeds
from database_tools.demo.canvas import Canvas, Point


@dataclass(frozen=True, slots=True)
class Species:
    """One species.

    Attributes:
        share: its share of all animals in the world.
        height: metres from the ground to the top of the back.
        sizes: lowest and highest height of its back in a picture 480 pixels high.
        draw: paints it on a canvas; the generator gives its build and
            posture, the angle (radians) the moment of its stride.  Returns its eye.
        extent: (left, bottom, right, top) in units of the canvas that it may reach.
        back: height of its back in those units.
    """

    name: str
    share: float
    height: float
    sizes: tuple[float, float]
    draw: Callable[[Canvas, np.random.Generator, float], Point]
    extent: tuple[float, float, float, float]
    back: float


_WIDE = (-1.5, -0.35, 2.2, 2.6)
SPECIES = (
    Species("deer", 0.30, 1.0, (46, 180), quadrupeds.deer, _WIDE, 1.18),
    Species("boar", 0.20, 0.8, (37, 162), quadrupeds.boar, _WIDE, 1.05),
    Species("zebra", 0.14, 1.3, (56, 200), quadrupeds.zebra, _WIDE, 1.22),
    Species("leopard", 0.10, 0.7, (34, 133), quadrupeds.leopard, (-2.1, -0.35, 2.2, 1.9), 0.85),
    Species("fox", 0.09, 0.45, (29, 114), quadrupeds.fox, (-2.0, -0.35, 2.2, 1.9), 0.72),
    Species("hare", 0.07, 0.35, (28, 104), bodies.hare, _WIDE, 0.9),
    Species("porcupine", 0.06, 0.45, (29, 114), bodies.porcupine, _WIDE, 0.95),
    Species("guineafowl", 0.04, 0.45, (32, 114), bodies.guineafowl, _WIDE, 1.0),
)
NAMES = tuple(species.name for species in SPECIES)
