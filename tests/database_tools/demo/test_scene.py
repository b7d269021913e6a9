"""Pictures: the same again, and boxes that hold what can be seen."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from database_tools.core import boxes as box_arithmetic
from database_tools.demo import scene, world
from database_tools.demo.world import World

SMALL = World(seed=3, width=320, height=240)


def events(settings: World, locations: range, number: int) -> list[world.Sequence]:
    pairs = itertools.product(locations, range(number))
    return [world.sequence(settings, location, n) for location, n in pairs]


def changed(first: np.ndarray, second: np.ndarray, threshold: int) -> tuple[int, int, int, int]:
    """The box around the pixels that differ by more than ``threshold`` grey levels."""
    apart = np.abs(first.astype(int) - second).max(axis=2) > threshold
    rows, columns = np.flatnonzero(apart.any(axis=1)), np.flatnonzero(apart.any(axis=0))
    return columns[0], rows[0], columns[-1] - columns[0] + 1, rows[-1] - rows[0] + 1


def test_the_same_picture_twice():
    event = next(e for e in events(SMALL, range(2), 5) if e.animals)
    (first, boxes), (second, again) = (scene.render(SMALL, event, 0) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert boxes == again
    assert first.shape == (240, 320, 3)
    assert first.dtype == np.uint8


def test_frames_of_a_burst_differ_by_noise_and_movement_only():
    event = next(e for e in events(SMALL, range(6), 6) if e.frames > 1 and not e.animals)
    first, second = (scene.render(SMALL, event, frame)[0] for frame in (0, 1))
    apart = np.abs(first.astype(int) - second)[: SMALL.ground_height]
    assert 0 < apart.mean() < 16


def test_boxes_hold_exactly_what_differs_from_the_empty_place():
    overlaps = []
    for event in events(World(seed=1), range(40, 43), 6):
        pixels, boxes = scene.render(World(seed=1), event, 0)
        if len(boxes) == 1:
            empty, _ = scene.render(World(seed=1), event, 0, bodies=False)
            seen = changed(pixels, empty, 6)  # a soft lens spreads edges by a few levels
            overlaps.append(box_arithmetic.iou([boxes[0].box], [seen])[0, 0])
    assert len(overlaps) >= 8
    assert min(overlaps) >= 0.95


def test_boxes_lie_inside_and_above_the_banner():
    for event in events(SMALL, range(4), 8):
        for frame in range(event.frames):
            for box in scene.boxes(SMALL, event, frame):
                x, y, width, height = box.box
                assert x >= 0
                assert y >= 0
                assert x + width <= 320
                assert y + height <= SMALL.ground_height
                assert 0.5 <= box.visible <= 1


def test_boxes_without_the_picture_are_the_picture_s():
    event = next(e for e in events(SMALL, range(4), 8) if len(e.animals) > 1)
    assert scene.boxes(SMALL, event, 0) == scene.render(SMALL, event, 0)[1]


def test_night_is_grey_and_day_is_not():
    night = next(e for e in events(SMALL, range(2), 6) if e.night)
    day = next(e for e in events(SMALL, range(2), 6) if not e.night)
    grey, colour = (scene.render(SMALL, e, 0)[0][: SMALL.ground_height] for e in (night, day))
    assert np.ptp(grey, axis=2).max() <= 1
    assert np.ptp(colour, axis=2).mean() > 10


@pytest.mark.parametrize("size", [(96, 96), (321, 215), (480, 270)])
def test_any_size_of_picture(size):
    settings = World(width=size[0], height=size[1])
    event = next(e for e in events(settings, range(1), 5) if e.animals)
    assert scene.render(settings, event, 0)[0].shape == (size[1], size[0], 3)
