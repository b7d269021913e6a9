"""What happens in the demo world: which animals pass which camera, when, and on how many pictures.

Everything follows from (seed, location, sequence): the first 100 pictures of a location are the
same however many are asked for.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from database_tools.demo import scenery
from database_tools.demo.scenery import View
from database_tools.demo.species import NAMES, SPECIES, Species

# Of 6,000 numbers, one with which the first 12 places, the default, have every species in about
# its share, and none in one place only.
_HABITS = 2385
_EVENTS = 0x5E9
_GOLDEN = (math.sqrt(5) - 1) / 2
_START = datetime.datetime(2021, 5, 1)
_CONCENTRATION = 2.0
_HEIGHT = 480  # sizes of animals are given for pictures of this height


@dataclass(frozen=True)
class World:
    """What the demo world is made by.

    Attributes:
        seed: another seed, other events at the same places.
        width, height: size of the pictures in pixels, banner included.
        location_bias: 0 = every location has the same mix of species, 1 = each has its own.
        class_imbalance: exponent of the species' shares: 0 = all equally frequent, 1 = as in the
            table of species, 2 = the common ones far more so.
    """

    seed: int = 0
    width: int = 640
    height: int = 480
    location_bias: float = 0.8
    class_imbalance: float = 1.0

    @property
    def ground_height(self) -> int:
        """Rows of a picture above its banner."""
        return self.height - self.banner

    @property
    def banner(self) -> int:
        """Rows of the black strip with date and temperature."""
        return max(12, self.height // 20)


@dataclass(frozen=True, slots=True)
class Animal:
    """One animal of a sequence.

    Attributes:
        height: pixels from the ground to its back.
        x, y: where its feet are in the first frame, in pixels.
        step: pixels that it moves to the right from one frame to the next.
        phase: moment of its stride in the first frame, in radians.
        in_grass: whether grass stands in front of its feet.
    """

    species: Species
    seed: int
    height: float
    x: float
    y: float
    step: float
    phase: float
    in_grass: bool


@dataclass(frozen=True)
class Sequence:
    """A burst of 1 to 3 pictures, a second apart, released by one event.

    The ``number`` counts those of a location from 0.  At night the camera works with infrared
    light.  Without animals it is a false alarm.
    """

    location: int
    number: int
    frames: int
    time: datetime.datetime
    night: bool
    animals: tuple[Animal, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """What an expert would call the sequence: the species in it, each once, or ``empty``."""
        present = {animal.species.name for animal in self.animals}
        return tuple(name for name in NAMES if name in present) or ("empty",)


def habits(world: World, location: int) -> tuple[npt.NDArray[np.float64], float]:
    """The mix of species of a location, and its share of empty sequences.

    Returns:
        (8,) float64 that sums to 1, in the order of ``SPECIES``, and a number in [0.15, 0.45].
    """
    rng = np.random.default_rng([_HABITS, location])
    shares = np.array([species.share for species in SPECIES]) ** world.class_imbalance
    shares /= shares.sum()
    own = rng.dirichlet(shares * _CONCENTRATION)
    mix = (1 - world.location_bias) * shares + world.location_bias * own
    return mix / mix.sum(), float(rng.uniform(0.15, 0.45))


def sequence(world: World, location: int, number: int) -> Sequence:
    """The sequence ``number`` of a location."""
    rng = np.random.default_rng([_EVENTS, world.seed, location, number])
    hours = 9.0 * number + float(rng.uniform(0, 8.5))
    time = _START + datetime.timedelta(
        hours=hours, minutes=int(rng.integers(60)), days=location % 30
    )
    animals: tuple[Animal, ...] = ()
    species, mix = _visitor(world, location, number)
    if species:
        stand = scenery.view(location, world.width, world.ground_height)
        animals = _animals(rng, world, stand, species, mix)
    frames, night = int(rng.integers(1, 4)), not 6 <= time.hour < 18
    return Sequence(location, number, frames, time.replace(microsecond=0), night, animals)


def sequences(world: World, locations: range, pictures: int) -> Iterator[Sequence]:
    """Sequences of all locations in turn, until there are ``pictures`` frames."""
    number, left = 0, pictures
    while left > 0:
        for location in locations:
            event = sequence(world, location, number)
            frames = min(event.frames, left)
            if frames:
                yield replace(event, frames=frames)
            left -= frames
        number += 1


def _visitor(
    world: World, location: int, number: int
) -> tuple[Species | None, npt.NDArray[np.float64]]:
    """Who releases the camera, None for a false alarm; and the place's mix of species.

    The draws of a place run through a golden-ratio sequence: its first dozen events already show
    its habits, as a small data set needs that is to have every species.
    """
    mix, empty = habits(world, location)
    start = np.random.default_rng([_HABITS, world.seed, location]).uniform()
    draw = (start + number * _GOLDEN) % 1
    if draw < empty:
        return None, mix
    index = int(np.searchsorted(mix.cumsum(), (draw - empty) / (1 - empty)))
    return SPECIES[min(index, len(SPECIES) - 1)], mix


def _animals(
    rng: np.random.Generator,
    world: World,
    stand: View,
    first: Species,
    mix: npt.NDArray[np.float64],
) -> tuple[Animal, ...]:
    """One animal, sometimes two or three, mostly of one species."""
    group = [_animal(rng, world, stand, first, [])]
    for chance in (0.22, 0.27):
        if rng.random() >= chance:
            break
        other = SPECIES[int(rng.choice(len(SPECIES), p=mix))] if rng.random() < 0.2 else first
        group.append(_animal(rng, world, stand, other, group))
    return tuple(group)


def _animal(
    rng: np.random.Generator, world: World, stand: View, species: Species, group: list[Animal]
) -> Animal:
    """Draw a size, then stand the animal where the perspective gives it that size.

    It keeps some distance from those of its group that are there already.
    """
    low, high = (size * world.height / _HEIGHT for size in species.sizes)
    height = math.exp(rng.uniform(math.log(low), math.log(high)))
    below = stand.camera_height * height / species.height
    y = min(stand.horizon + below, world.ground_height * 1.04)
    still = rng.random() < 0.35
    step = 0.0 if still else float(rng.uniform(0.2, 1.3)) * height
    direction = 1 if rng.random() < 0.5 else -1
    places = (rng.uniform(0.06, 0.94, 6) * world.width).tolist()
    x = max(places, key=lambda place: min((abs(place - a.x) for a in group), default=0))
    looks, phase = int(rng.integers(2**32)), float(rng.uniform(0, 2 * math.pi))
    in_grass = bool(rng.random() < 0.6)
    return Animal(species, looks, height, x, y, direction * step, phase, in_grass)
