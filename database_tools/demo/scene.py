"""One picture of the demo world, and the boxes of what is to be seen in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from database_tools.demo import banner, noise, plants, scenery, sprites
from database_tools.demo.noise import Field
from database_tools.demo.scenery import Scenery
from database_tools.demo.sprites import Sprite
from database_tools.demo.world import Animal, Sequence, World

_LIGHT, _SENSOR = 0x11, 0x5E
_MIN_VISIBLE, _MIN_SIDE = 0.5, 18

_Slices = tuple[tuple[slice, slice], tuple[slice, slice]]


@dataclass(frozen=True, slots=True)
class Box:
    """A visible animal.

    Attributes:
        box: (x, y, width, height) in whole pixels: the smallest that holds every visible pixel.
        visible: the share of the animal that is neither cut off nor hidden, in (0, 1].
    """

    species: str
    box: tuple[int, int, int, int]
    visible: float


@dataclass(frozen=True)
class _Placed:
    """An animal in a picture: ``alpha`` (H, W) is what is seen, ``corner`` the sprite's place."""

    animal: Animal
    sprite: Sprite
    corner: tuple[int, int]
    alpha: Field
    visible: float
    away: float
    grass: Image.Image | None


def render(
    world: World, event: Sequence, frame: int, *, bodies: bool = True
) -> tuple[npt.NDArray[np.uint8], list[Box]]:
    """Take one picture.

    Args:
        world: the world's parameters.
        event: the sequence.
        frame: number of the picture in it, from 0.
        bodies: False leaves the animals out of the picture and everything else as it is, their
            shadows included: what is needed to check the boxes.

    Returns:
        (height, width, 3) uint8 and the boxes, the nearest animal last.
    """
    place = scenery.build(event.location, world.width, world.ground_height)
    placed = _place(world, event, frame, place)
    # Light belongs to the sequence, noise to the picture.
    light = np.random.default_rng([_LIGHT, world.seed, event.location, event.number])
    sensor = np.random.default_rng([_SENSOR, world.seed, event.location, event.number, frame])
    compose = _by_night if event.night else _by_day
    picture = compose(place, placed, light, bodies)
    pixels = _develop(picture, event, light, sensor)
    return banner.below(pixels, world, event, frame), [_box(one) for one in placed]


def boxes(world: World, event: Sequence, frame: int) -> list[Box]:
    """The boxes that ``render`` would return, without the picture."""
    place = scenery.build(event.location, world.width, world.ground_height)
    return [_box(one) for one in _place(world, event, frame, place)]


def _box(one: _Placed) -> Box:
    return Box(one.animal.species.name, _bounds(one.alpha), round(one.visible, 3))


def _place(world: World, event: Sequence, frame: int, place: Scenery) -> list[_Placed]:
    """The animals that can be seen, the farthest first; each hides what is behind it."""
    hidden = np.zeros((world.ground_height, world.width), np.float32)
    seen: list[_Placed] = []
    for animal in sorted(event.animals, key=lambda a: -a.y):
        one = _one(event, frame, place, animal, hidden)
        if one is None:
            continue
        seen.append(one)
        hidden = np.maximum(hidden, one.alpha)
    return seen[::-1]


def _one(
    event: Sequence, frame: int, place: Scenery, animal: Animal, hidden: Field
) -> _Placed | None:
    flip = animal.step < 0 or (animal.step == 0 and animal.seed % 2 == 1)
    phase = animal.phase + (1.9 * frame if animal.step else 0.0)
    sprite = sprites.draw(animal.species, animal.seed, phase, animal.height, flip=flip)
    x, y = animal.x + animal.step * frame, animal.y
    corner = (round(x - sprite.foot[0]), round(y - sprite.foot[1]))
    whole = pasted(sprite.alpha, corner, hidden.shape)
    away = place.view.distance_at(y)
    grass = None
    alpha = whole * (1 - hidden) * (place.obstacle > away)
    if animal.in_grass:
        rng = np.random.default_rng([animal.seed, frame])
        grass = scenery.grass_in_front(rng, place, (x, y), sprite.alpha.shape[1] * 0.6)
        alpha = alpha * (1 - np.asarray(grass.getchannel("A"), np.float32) / np.float32(255))
    visible = float((alpha > 0.5).sum() / max(1, (sprite.alpha > 0.5).sum()))
    if visible < _MIN_VISIBLE or min(_bounds(alpha)[2:]) < _MIN_SIDE:
        return None
    return _Placed(animal, sprite, corner, alpha, visible, away, grass)


def pasted(field: Field, corner: tuple[int, int], shape: tuple[int, ...]) -> Field:
    """Put a small field at (x, y) on zeros of ``shape``; what reaches outside is cut off."""
    whole = np.zeros(shape, np.float32)
    there, here = _overlap(corner, field.shape, shape)
    whole[there] = field[here]
    return whole


def _overlap(corner: tuple[int, int], size: tuple[int, ...], shape: tuple[int, ...]) -> _Slices:
    """Where a field of a size at (x, y) lies in one of ``shape``, and what of it that is."""
    (x, y), (h, w) = corner, size[:2]
    top, left, bottom, right = max(0, y), max(0, x), min(shape[0], y + h), min(shape[1], x + w)
    if bottom <= top or right <= left:
        return (slice(0), slice(0)), (slice(0), slice(0))
    here = slice(top - y, bottom - y), slice(left - x, right - x)
    return (slice(top, bottom), slice(left, right)), here


def _bounds(alpha: Field) -> tuple[int, int, int, int]:
    """The box of what is at least half covered; (0, 0, 0, 0) if nothing is."""
    solid = alpha > 0.5
    rows, columns = np.flatnonzero(solid.any(axis=1)), np.flatnonzero(solid.any(axis=0))
    if rows.size == 0:
        return 0, 0, 0, 0
    (left, right), (top, bottom) = columns[[0, -1]].tolist(), rows[[0, -1]].tolist()
    return left, top, right - left + 1, bottom - top + 1


def _by_day(place: Scenery, placed: list[_Placed], rng: np.random.Generator, bodies: bool) -> Field:
    """Sun with flecks of shade, or a grey sky."""
    height, width = place.distance.shape
    sunny = rng.random() < 0.6
    flecks = noise.octaves(rng, height, width, rng.uniform(3, 7), 3, aspect=2.5)
    depth = rng.uniform(0.2, 0.4) if sunny else 0.06
    light = 1 + depth * np.tanh(2.5 * flecks)
    light = np.where(place.distance < 500, light, 1).astype(np.float32)
    picture = place.day * light[..., None]
    lean, strength = float(rng.uniform(-0.8, 0.8)), 0.5 if sunny else 0.28
    for one in placed:
        picture *= 1 - strength * _shadow(one, lean if sunny else 0.0, place)[..., None]
    for one in placed:
        if bodies:
            _paste(picture, one, np.array(one.sprite.coat, np.float32), light)
        if one.grass is not None:
            plants.blend(picture, one.grass, light)
    picture *= np.array([1 + rng.uniform(-0.06, 0.06), 1, 1 + rng.uniform(-0.08, 0.06)], np.float32)
    grey = picture.mean(axis=2, keepdims=True)
    picture = grey + (picture - grey) * float(rng.uniform(0.6, 0.9))
    return picture * float(rng.uniform(0.75, 1.25))


def _shadow(one: _Placed, lean: float, place: Scenery) -> Field:
    """The sprite, laid flat on the ground towards the camera and blurred, in [0, 1]."""
    h, w = one.sprite.alpha.shape
    flat = max(3, round(h * 0.22))
    upright = Image.fromarray((one.sprite.alpha[::-1] * 255).astype(np.uint8)).resize((w, flat))
    margin = round(abs(lean) * h * 0.5) + 6
    room = Image.new("L", (w + 2 * margin, flat + 12), 0)
    room.paste(upright, (margin, 6))
    # Each row further down is shifted further aside.
    slope = lean * h * 0.45 / flat
    sheared = room.transform(room.size, Image.Transform.AFFINE, (1, slope, -6 * slope, 0, 1, 0))
    soft = np.asarray(sheared.filter(ImageFilter.GaussianBlur(2)), np.float32) / np.float32(255)
    corner = (one.corner[0] - margin, round(one.corner[1] + one.sprite.foot[1] - 6 - flat * 0.15))
    return pasted(soft, corner, place.distance.shape) * (place.obstacle > one.away)


def _by_night(
    place: Scenery, placed: list[_Placed], rng: np.random.Generator, bodies: bool
) -> Field:
    """Infrared flash: grey, bright in the middle and near the camera, eyes that shine."""
    height, width = place.distance.shape
    reach = float(rng.uniform(2.6, 3.8))
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    cone = (1.12 - 0.5 * (x**2 + y**2)).astype(np.float32)
    flash = np.clip((reach / np.maximum(place.distance, 1.5)) ** 1.25, 0, 1.25) * cone
    picture = np.repeat((place.infrared * flash + 0.015)[..., None], 3, axis=2)
    for one in placed:
        picture *= 1 - 0.35 * _shadow(one, 0.0, place)[..., None]
    for one in placed:
        strength = np.float32(np.clip((reach / one.away) ** 1.1, 0.5, 1.2)) * cone
        if bodies:
            brightness = 0.2 + 0.6 * float(np.mean(one.sprite.coat))
            _paste(picture, one, np.full(3, brightness, np.float32), strength)
            _eye_shine(picture, one)
        if one.grass is not None:
            grey = one.grass.convert("LA").convert("RGBA")
            plants.blend(picture, grey, np.asarray(strength * 0.9, np.float32))
    return np.asarray(picture * float(rng.uniform(0.9, 1.3)), np.float32)


def _paste(picture: Field, one: _Placed, coat: Field, light: Field) -> None:
    """Put an animal into a picture; ``light`` (H, W) multiplies its brightness."""
    there, here = _overlap(one.corner, one.sprite.tone.shape, picture.shape)
    colour = (one.sprite.tone[here] * light[there])[..., None] * coat
    region = picture[there]
    region += (np.clip(colour, 0, 1.1) - region) * one.alpha[there][..., None]


def _eye_shine(picture: Field, one: _Placed) -> None:
    x, y = one.corner[0] + one.sprite.eye[0], one.corner[1] + one.sprite.eye[1]
    inside = 0 <= x < picture.shape[1] and 0 <= y < picture.shape[0]
    if not inside or one.alpha[int(y), int(x)] < 0.5:
        return
    size = one.sprite.eye_size * 1.1
    reach = int(3 * size) + 2
    top, left = max(0, int(y) - reach), max(0, int(x) - reach)
    region = picture[top : int(y) + reach + 1, left : int(x) + reach + 1]
    rows, columns = np.ogrid[top : top + region.shape[0], left : left + region.shape[1]]
    glow = np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * size**2)).astype(np.float32)
    # The glow stays on the animal, so that its box is not changed.
    glow *= one.alpha[top : top + region.shape[0], left : left + region.shape[1]]
    region += (1 - region) * np.minimum(1.3 * glow, 1)[..., None]


def _develop(
    picture: Field, event: Sequence, light: np.random.Generator, sensor: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Contrast, darker corners, a soft lens on a quarter of the sequences, the sensor's noise."""
    height, width = picture.shape[:2]
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corners = 1 - float(light.uniform(0.08, 0.22)) * (x**2 + y**2) / 2
    contrast = float(light.uniform(0.85, 1.1))
    picture = np.clip(picture * corners[..., None].astype(np.float32), 0, 1) ** contrast
    pixels = Image.fromarray((picture * 255).astype(np.uint8))
    if light.random() < 0.25:
        blur = float(light.uniform(0.5, 1.1)) * width / 640
        pixels = pixels.filter(ImageFilter.GaussianBlur(blur))
    sigma = float(light.uniform(5, 12)) if event.night else float(light.uniform(1.5, 4))
    grain = sensor.standard_normal((height, width, 1), np.float32) * sigma
    return np.clip(np.asarray(pixels, np.float32) + grain, 0, 255).astype(np.uint8)
