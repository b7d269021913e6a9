"""Places of the demo world: what a camera sees when nothing is there.

A location's look depends on its index only, never on the seed, so that two data sets share a
place exactly when they share an index.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from functools import lru_cache

import numpy as np
from PIL import Image

from database_tools.demo import noise, plants
from database_tools.demo.noise import Field

_SALT, _STAND = 0x10CA, 0x57A2D


@dataclass(frozen=True, slots=True)
class Biome:
    """Colours (red, green, blue in [0, 1]) and growth of a kind of place.

    ``canopy`` is the height of the far tree line over the picture's height.
    """

    ground: plants.Colour
    grass: plants.Colour
    leaf: plants.Colour
    bark: plants.Colour
    sky: plants.Colour
    trees: int
    tufts: int
    bushes: int
    canopy: float


# fmt: off
BIOMES = (
    Biome((0.33, 0.26, 0.17), (0.30, 0.36, 0.15), (0.17, 0.26, 0.09), (0.27, 0.22, 0.17),
          (0.80, 0.86, 0.88), 9, 300, 4, 0.42),
    Biome((0.54, 0.44, 0.27), (0.62, 0.54, 0.30), (0.36, 0.38, 0.18), (0.36, 0.29, 0.21),
          (0.58, 0.74, 0.92), 2, 800, 3, 0.10),
    Biome((0.30, 0.33, 0.15), (0.35, 0.46, 0.18), (0.18, 0.30, 0.10), (0.32, 0.27, 0.21),
          (0.68, 0.80, 0.93), 3, 1000, 3, 0.20),
    Biome((0.50, 0.41, 0.32), (0.46, 0.45, 0.28), (0.34, 0.36, 0.23), (0.40, 0.33, 0.27),
          (0.62, 0.76, 0.90), 1, 260, 7, 0.08),
    Biome((0.44, 0.29, 0.14), (0.48, 0.40, 0.18), (0.52, 0.33, 0.11), (0.25, 0.21, 0.18),
          (0.84, 0.85, 0.84), 7, 350, 4, 0.34),
)
# fmt: on


@dataclass(frozen=True, slots=True)
class View:
    """How a camera stands: the horizon's row, metres above the ground, focal length in pixels."""

    horizon: float
    camera_height: float
    focal: float

    def row(self, distance: float) -> float:
        """The picture's row of the ground at a distance in metres."""
        return self.horizon + self.focal * self.camera_height / distance

    def distance_at(self, row: float) -> float:
        """Metres to the ground that is seen at a row below the horizon."""
        return self.focal * self.camera_height / max(row - self.horizon, 1.0)


@dataclass(frozen=True)
class Scenery:
    """An empty place.

    Attributes:
        day: (H, W, 3) float32 in [0, 1], in flat daylight.
        infrared: (H, W) float32, how much of the flash each point throws back.
        distance: (H, W) float32, metres from the camera; the sky is 1000 away.
        obstacle: (H, W) float32, metres to a trunk or rock, infinite where there is none.
        grass: colour of the grass in front of an animal's feet.
    """

    view: View
    day: Field
    infrared: Field
    distance: Field
    obstacle: Field
    grass: plants.Colour


def view(location: int, width: int, height: int) -> View:
    """How the camera of a location stands, for pictures of a size (banner left out)."""
    rng = np.random.default_rng([_STAND, location])
    # 0.94 widths is a lens that sees 56 degrees.
    horizon, metres = height * rng.uniform(0.26, 0.40), rng.uniform(0.55, 0.85)
    return View(float(horizon), float(metres), 0.94 * width)


@lru_cache(maxsize=4)
def build(location: int, width: int, height: int) -> Scenery:
    """Build the scenery of a location for pictures of a size, always the same."""
    rng = np.random.default_rng([_SALT, location])
    biome = _jittered(BIOMES[int(rng.integers(len(BIOMES)))], rng)
    stand = view(location, width, height)
    day = _sky(rng, biome, width, height)
    distance = np.full((height, width), 1000, np.float32)
    _tree_line(rng, biome, day, distance, stand.horizon)
    free = np.full_like(distance, np.inf)
    bare = Scenery(stand, day, np.zeros_like(distance), distance, free, biome.grass)
    _ground(rng, biome, bare)
    _furnish(rng, biome, bare)
    np.clip(day, 0, 1, out=day)
    reflected = day @ np.array([0.25, 0.6, 0.15], np.float32) * 0.9 + 0.05
    infrared = np.where(distance >= 500, 0, reflected).astype(np.float32)
    return replace(bare, infrared=infrared)


def _jittered(biome: Biome, rng: np.random.Generator) -> Biome:
    def colour(base: plants.Colour) -> plants.Colour:
        red, green, blue = np.clip(
            np.array(base) * rng.uniform(0.82, 1.18) + rng.uniform(-0.035, 0.035, 3), 0.02, 1
        )
        return float(red), float(green), float(blue)

    def number(base: int) -> int:
        return int(rng.integers(base // 2, base + base // 2 + 2))

    ground, grass, leaf, bark, sky = map(colour, astuple(biome)[:5])
    trees, tufts, bushes = map(number, (biome.trees, biome.tufts, biome.bushes))
    canopy = biome.canopy * rng.uniform(0.7, 1.3)
    return Biome(ground, grass, leaf, bark, sky, trees, tufts, bushes, canopy)


def _sky(rng: np.random.Generator, biome: Biome, width: int, height: int) -> Field:
    down = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    clouds = np.clip(noise.octaves(rng, height, width, 3, 4, aspect=2.5) + 0.1, 0, 1)[..., None]
    sky = np.array(biome.sky, np.float32) * (0.9 + 0.25 * down)
    return np.ascontiguousarray(sky + (0.97 - sky) * clouds * 0.6, np.float32)


def _tree_line(
    rng: np.random.Generator, biome: Biome, day: Field, distance: Field, horizon: float
) -> None:
    """Three rows of woods, the farther the paler."""
    height, width = distance.shape
    rows = np.arange(height, dtype=np.float32)[:, None]
    for away, haze, share in ((90, 0.5, 1.0), (50, 0.28, 0.75), (25, 0.08, 0.5)):
        # The absolute value of noise has round hills and sharp valleys, like crowns of trees.
        crown = sum(np.abs(noise.octaves(rng, 1, width, n, 1)[0]) / n**0.4 for n in (5, 13, 29))
        top = horizon - height * biome.canopy * share * np.clip(0.35 + 1.2 * crown, 0.12, None)
        leaves = noise.octaves(rng, height, width, 45, 4) * 0.5
        colour = np.array(biome.leaf) * (1 - haze) + np.array(biome.sky) * haze * 0.8
        where = (rows > top + 13 * leaves) & (rows <= horizon + 2)
        day[where] = (colour * np.clip(1 + leaves, 0.3, 1.9)[where][:, None]).astype(np.float32)
        distance[where] = away


def _ground(rng: np.random.Generator, biome: Biome, place: Scenery) -> None:
    """Soil in perspective: patches, litter and stones get smaller towards the horizon."""
    height, width = place.distance.shape
    first = int(place.view.horizon) + 1
    below = np.arange(first, height)[:, None] + 0.5 - place.view.horizon
    metres = place.view.focal * place.view.camera_height / below
    aside = (np.arange(width)[None] - width / 2) * metres / place.view.focal
    soil = noise.octaves(rng, 512, 512, 8, 6)
    fine = noise.octaves(rng, 512, 512, 128, 2)
    shade = 0.42 * _tiled(soil, metres * 40, aside * 40) + 0.5 * _tiled(
        fine, metres * 120, aside * 120
    )
    blend = np.clip(_tiled(soil.T, metres * 14, aside * 14) * 1.2 + 0.35, 0, 1)[..., None]
    colour = np.array(biome.ground) * (1 - blend * 0.6) + np.array(biome.grass) * blend * 0.6
    haze = np.clip((metres - 4) / 40, 0, 0.5)
    shade = shade * (1 - 1.6 * haze)
    place.day[first:] = colour * (1 + shade)[..., None] * (1 - haze * 0.3)[..., None]
    place.distance[first:] = metres


def _tiled(texture: Field, rows: Field, columns: Field) -> Field:
    """Cover the plane with a square texture, every second tile mirrored so that no edge shows.

    Column 0 is the middle of a tile: the mirrors' symmetry would be seen right before the camera.
    """
    side = texture.shape[0]
    down, across = (
        np.abs((index + side * 1.5).astype(int) % (2 * side) - side) % side
        for index in (rows, columns)
    )
    return texture[down, across]


def _objects(rng: np.random.Generator, biome: Biome, place: Scenery) -> list[plants.Item]:
    """Trunks, rocks and logs, the farthest first."""
    height, width = place.distance.shape
    rocks, logs = int(rng.integers(0, 5)), int(rng.integers(0, 3))
    makers = [plants.trunk] * biome.trees + [plants.rock] * rocks + [plants.log] * logs
    items = []
    for make in makers:
        # Whoever hangs up a camera chooses a clearing: what could hide animals stands behind it.
        nearest, farthest = (7.0, 26.0) if make is plants.trunk else (2.5, 16.0)
        away = float(np.exp(rng.uniform(np.log(nearest), np.log(farthest))))
        foot = (float(rng.uniform(-0.05, 1.05)) * width, place.view.row(away))
        spot = plants.Spot((width, height), foot, place.view.focal / away, away)
        items.append(make(rng, biome.bark, spot))
    return sorted(items, key=lambda item: -item.away)


def _furnish(rng: np.random.Generator, biome: Biome, place: Scenery) -> None:
    """Paint objects and growth from far to near; within a band of distances growth is in front."""
    objects = _objects(rng, biome, place)
    growth = [
        (float(np.exp(rng.uniform(np.log(3.5), np.log(22)))), True) for _ in range(biome.bushes)
    ]
    growth += [(float(1 / rng.uniform(1 / 16, 1 / 1.15)), False) for _ in range(biome.tufts)]
    for far, near in ((np.inf, 7.0), (7.0, 3.5), (3.5, 0.0)):
        for item in objects:
            if near < item.away <= far:
                item.paint(place.day, place.distance, place.obstacle)
        _grow(rng, biome, place, [spot for spot in growth if near < spot[0] <= far])


def _grow(
    rng: np.random.Generator, biome: Biome, place: Scenery, spots: list[tuple[float, bool]]
) -> None:
    """Paint bushes and tufts, given as (metres, is a bush), the farthest first."""
    height, width = place.distance.shape
    layer = plants.Layer(width, height)
    for away, is_bush in sorted(spots, reverse=True):
        foot = (float(rng.uniform(-0.03, 1.03)) * width, place.view.row(away))
        grow, colour = (plants.bush, biome.leaf) if is_bush else (plants.tuft, biome.grass)
        grow(layer, rng, foot, place.view.focal / away, colour)
    layer.paint(place.day)


def grass_in_front(
    rng: np.random.Generator, place: Scenery, foot: tuple[float, float], width: float
) -> Image.Image:
    """An RGBA picture of grass a little nearer than an animal's foot, ``width`` to each side."""
    height, columns = place.distance.shape
    layer = plants.Layer(columns, height)
    scale = (foot[1] - place.view.horizon) / place.view.camera_height
    for _ in range(int(rng.integers(8, 34))):
        spot = (
            foot[0] + float(rng.uniform(-width, width)),
            foot[1] + float(rng.uniform(0.01, 0.12)) * scale,
        )
        plants.tuft(layer, rng, spot, scale, place.grass)
    return layer.reduced()
