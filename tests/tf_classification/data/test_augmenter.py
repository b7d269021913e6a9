from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_classification.data import augmentation, picture_size
from tf_classification.data.augmentation import DRAWS, Augmentation
from tf_classification.data.augmenter import Augmenter

STILL = {"grayscale": 0, "jitter": 0, "horizontal_flip": 0, "vertical_flip": 0, "rotation": 0}
WHOLE = {**STILL, "scale": (1, 1), "ratio": (1, 1)}


def augment(options, contents, size=64, seed=0):
    """Change each picture; return the results and the recipes."""
    augmenter = Augmenter(Augmentation(**options), size)
    uniform = np.random.default_rng(seed).random((len(contents), DRAWS))
    sizes = picture_size.read_all(contents)
    recipes = augmenter.recipes(contents, sizes, uniform)
    images = [
        augmenter(content, [tf.constant(column[i]) for column in recipes]).numpy()
        for i, content in enumerate(contents)
    ]
    return np.stack(images), augmentation.draw(augmenter.changes, sizes, uniform)


def test_windows_turns_and_flips_are_pillows(encode, smooth):
    options = {"grayscale": 0, "jitter": 0, "vertical_flip": 0.5, "scale": (0.08, 0.5)}
    contents = [encode(smooth(80, 70, seed), subsampling=0) for seed in range(24)]
    images, changes = augment(options, contents, size=72)
    assert len({tuple(flip) for flip in changes.flips}) == 4
    for i, content in enumerate(contents):
        top, left, height, width = changes.window[i]
        expected = Image.open(io.BytesIO(content)).crop((left, top, left + width, top + height))
        expected = expected.resize((72, 72), Image.Resampling.BILINEAR)
        degrees = np.rint(90 * changes.turn[i])
        expected = expected.rotate(degrees, Image.Resampling.NEAREST)
        if changes.flips[i, 1]:
            expected = expected.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if changes.flips[i, 0]:
            expected = expected.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        difference = abs(images[i] - np.asarray(expected, float))
        # A pixel at the edge of a black corner may be in or out; others differ by roundings.
        assert (difference.max(axis=-1) > 12).mean() < 0.01
        assert np.median(difference) <= 1


def test_corners_of_a_turn_are_black(encode):
    white = encode(np.full((100, 100, 3), 255, np.uint8))
    images, changes = augment({**WHOLE, "rotation": 45}, [white] * 8)
    black = (images == 0).all(axis=-1).mean(axis=(1, 2))
    angle = np.radians(45 * abs(changes.turn))
    # A unit square and the same one turned by a share 2 / (1 + sin a + cos a).
    expected = 1 - 2 / (1 + np.sin(angle) + np.cos(angle))
    np.testing.assert_allclose(black, expected, atol=0.02)
    assert ((images == 0) | (images > 250)).all()


def test_colours_of_an_even_picture_are_as_computed_by_hand(encode):
    colour = np.array([200.0, 100.0, 50.0])
    content = encode(np.tile(colour.astype(np.uint8), (64, 64, 1)), subsampling=0)
    images, _ = augment({**WHOLE, "jitter": 0.5}, [content] * 6)
    uniform = np.random.default_rng(0).random((6, DRAWS))
    for image, (brightness, contrast, saturation) in zip(
        images, 1 + 0.5 * (2 * uniform[:, -5:-2] - 1), strict=True
    ):
        grey = colour @ [0.299, 0.587, 0.114]
        expected = brightness * (
            contrast * (saturation * colour + (1 - saturation) * grey) + (1 - contrast) * grey
        )
        np.testing.assert_allclose(image[30, 30], np.clip(expected, 0, 255), atol=2)
        assert np.ptp(image, axis=(0, 1)).max() <= 3


def test_values_are_whole_numbers_within_the_range(encode):
    noise = np.random.default_rng(0).integers(0, 255, (90, 90, 3), np.uint8)
    images, _ = augment({"jitter": 1}, [encode(noise)] * 8)
    assert images.min() == 0
    assert images.max() == 255
    assert (images == np.rint(images)).all()


@pytest.mark.parametrize("pixels", [128, 256, 512, 1000])
def test_large_windows_are_shrunk_without_aliasing(encode, pixels):
    board = (np.indices((pixels, pixels)).sum(axis=0) % 2 * 255).astype(np.uint8)
    content = encode(np.stack([board] * 3, axis=-1), quality=100)
    images, _ = augment(WHOLE, [content])
    assert images[0].std() < 20  # grey; taking every n-th pixel gives 0 or 255, or stripes
    assert abs(images[0].mean() - 127.5) < 8


@pytest.mark.parametrize("pixels", [64, 127, 128, 200, 256, 511, 777])
def test_shrinking_while_decoding_shows_the_same_window(encode, smooth, pixels):
    content = encode(smooth(pixels, pixels))
    images, changes = augment({**STILL, "scale": (0.3, 1)}, [content] * 3)
    whole = Image.open(io.BytesIO(content))
    for image, (top, left, height, width) in zip(images, changes.window, strict=True):
        cut = whole.crop((left, top, left + width, top + height))
        expected = np.asarray(cut.resize((64, 64), Image.Resampling.BILINEAR), float)
        # The window's corner is moved by less than a pixel of the shrunk picture.
        assert abs(image - expected).mean() < 4


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "L"), ("JPEG", "L"), ("BMP", "RGB")]
)
def test_other_pictures_take_the_same_changes(smooth, kind, mode):
    picture = Image.fromarray(smooth(90, 80)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    images, changes = augment(STILL, [buffer.getvalue()])
    top, left, height, width = changes.window[0]
    cut = picture.convert("RGB").crop((left, top, left + width, top + height))
    expected = np.asarray(cut.resize((64, 64), Image.Resampling.BILINEAR), float)
    assert abs(images[0] - expected).mean() < 3


def test_changes_are_the_same_inside_a_pipeline(encode, smooth):
    contents = [encode(smooth(80, 100, seed)) for seed in range(4)]
    eager, _ = augment({}, contents)
    augmenter = Augmenter(Augmentation(), 64)
    recipes = augmenter.recipes(
        contents, picture_size.read_all(contents), np.random.default_rng(0).random((4, DRAWS))
    )
    inside = tf.data.Dataset.from_tensor_slices((contents, recipes)).map(augmenter)
    assert inside.element_spec.shape == (64, 64, 3)
    assert (np.stack(list(inside.as_numpy_iterator())) == eager).all()


def test_nothing_to_show_is_black():
    augmenter = Augmenter(Augmentation(jitter=0), 32)
    recipes = augmenter.recipes(
        [b"", b"text"], np.zeros((2, 2), np.int32), np.full((2, DRAWS), 0.5)
    )
    for i in range(2):
        row = [tf.constant(column[i]) for column in recipes]
        assert not augmenter(b"text", row).numpy().any()


def test_networks_may_have_an_odd_size(encode, smooth):
    images, _ = augment({}, [encode(smooth(80, 100))], size=33)
    assert images.shape == (1, 33, 33, 3)


def test_the_table_of_turns_stays_small_for_large_networks():
    table = Augmenter(Augmentation(), 600).turns
    assert len(table) * 600 * 600 * 4 <= 64 * 2**20
    assert len(table) > 40
    assert len(Augmenter(Augmentation(rotation=90), 64).turns) == 181
    upright = np.arange(64 * 64).reshape(1, 64, 64)
    for rotation in (0, 0.4):  # less than a degree is none
        assert (Augmenter(Augmentation(rotation=rotation), 64).turns == upright).numpy().all()
