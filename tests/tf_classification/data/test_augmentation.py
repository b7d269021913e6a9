from __future__ import annotations

import numpy as np
import pytest

from tf_classification.data import augmentation
from tf_classification.data.augmentation import Augmentation


def draws(number, seed=0):
    return np.random.default_rng(seed).random((number, augmentation.DRAWS))


def drawn(number, size=(300, 400), **options):
    sizes = np.tile(np.array(size, np.int32), (number, 1))
    return augmentation.draw(Augmentation(**options), sizes, draws(number))


def torchvisions_window(height, width, rng):
    """Return height and width as torchvision's RandomResizedCrop draws them, one by one."""
    for _ in range(10):
        area = height * width * rng.uniform(0.08, 1)
        ratio = np.exp(rng.uniform(np.log(3 / 4), np.log(4 / 3)))
        w, h = round(np.sqrt(area * ratio)), round(np.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            return h, w
    return height, width  # 4:3 itself is allowed


def test_windows_lie_in_the_picture_with_area_and_shape_as_asked():
    window = drawn(5000).window.astype(float)
    top, left, height, width = window.T
    assert (window[:, :2] >= 0).all()
    assert (top + height).max() == 300  # they reach the edges
    assert (left + width).max() == 400
    area, ratio = height * width / (300 * 400), width / height
    assert 0.079 < area.min() < 0.09
    assert area.max() < 1.001
    assert 0.74 < ratio.min() < 0.76
    assert 1.3 < ratio.max() < 1.34
    rng = np.random.default_rng(1)
    reference = np.array([torchvisions_window(300, 400, rng) for _ in range(5000)])
    assert abs(area.mean() - (reference.prod(axis=1) / (300 * 400)).mean()) < 0.02
    expected = np.log(reference[:, 1] / reference[:, 0])
    assert abs(np.log(ratio).mean() - expected.mean()) < 0.02
    assert abs(np.log(ratio).std() - expected.std()) < 0.02


def test_a_window_that_never_fits_is_the_middle():
    window = drawn(50, size=(10, 1000), scale=(1, 1)).window
    assert (window == [0, 493, 10, 13]).all()  # 10 high, 10 · 4/3 wide
    tall = drawn(50, size=(1000, 9), scale=(1, 1)).window
    assert (tall == [494, 0, 12, 9]).all()  # 9 wide, 9 / (3/4) high


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (2, 3)])
def test_tiny_pictures_have_windows(size):
    window = drawn(200, size=size).window
    assert (window[:, 2:] >= 1).all()
    assert (window[:, :2] + window[:, 2:] <= size).all()


def test_probabilities_are_those_asked_for():
    changes = drawn(10_000)
    assert abs(changes.flips.mean(axis=0) - [0.1, 0.5]).max() < 0.02
    grey = np.ptp(changes.colour, axis=2).max(axis=1) == 0  # all three columns alike
    assert abs(grey.mean() - 0.1) < 0.01
    assert abs(changes.turn.mean()) < 0.02
    assert changes.turn.min() < -0.99
    assert changes.turn.max() > 0.99


def test_colours_change_as_brightness_contrast_and_saturation_one_after_the_other():
    changes = drawn(20, grayscale=0)
    factors = 1 + 0.25 * (2 * draws(20)[:, -5:-2] - 1)
    pixels = np.random.default_rng(1).random((1000, 3)) * 255
    for i, (brightness, contrast, saturation) in enumerate(factors):
        expected = pixels * brightness
        expected = contrast * expected + (1 - contrast) * (expected @ augmentation.LUMA).mean()
        expected = (
            saturation * expected + (1 - saturation) * (expected @ augmentation.LUMA)[:, None]
        )
        actual = pixels @ changes.colour[i]
        actual = actual + changes.shade[i] * (actual @ augmentation.LUMA).mean()
        np.testing.assert_allclose(actual, expected, atol=0.01)


def test_no_change_at_all_can_be_asked_for():
    still = drawn(
        5,
        scale=(1, 1),
        ratio=(4 / 3, 4 / 3),
        horizontal_flip=0,
        vertical_flip=0,
        grayscale=0,
        jitter=0,
    )
    assert (still.window == [0, 0, 300, 400]).all()
    assert not still.flips.any()
    np.testing.assert_allclose(still.colour, np.tile(np.eye(3), (5, 1, 1)), atol=1e-6)
    assert not still.shade.any()


def test_steps_and_seeds_draw_apart():
    first = augmentation.generator(1, 2).random(4)
    assert (first == augmentation.generator(1, 2).random(4)).all()
    assert (first != augmentation.generator(1, 3).random(4)).any()
    assert (first != augmentation.generator(2, 2).random(4)).any()


@pytest.mark.parametrize(
    "options",
    [
        {"scale": (0, 1)},
        {"scale": (0.5, 0.1)},
        {"ratio": (2, 1)},
        {"rotation": 181},
        {"grayscale": 2},
        {"jitter": -0.1},
        {"mixup": -1},
        {"rand_augment": -1},
    ],
)
def test_impossible_options_are_refused(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        Augmentation(**options)
