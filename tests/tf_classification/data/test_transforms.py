from __future__ import annotations

import io
import resource

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tf_classification.data import transforms


def by_pillow(content, size):
    """The README's evaluation transform, as torchvision does it with Pillow."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    width, height = image.size
    short = min(width, height)
    new = int(size * width / short), int(size * height / short)
    image = image.resize(new, Image.Resampling.BICUBIC)
    left, top = (round((side - size) / 2) for side in new)
    return np.asarray(image.crop((left, top, left + size, top + size)), float)


@pytest.mark.parametrize("shape", [(64, 64), (150, 97), (97, 150), (40, 40), (33, 31), (301, 700)])
def test_evaluation_is_pillows_within_rounding(encode, smooth, shape):
    noise = np.random.default_rng(0).integers(-30, 30, (*shape, 3))
    # Pillow clips between its two passes, which shows where contrasts are harsher than these.
    content = encode(np.clip(smooth(*shape) * 0.5 + 64 + noise, 0, 255).astype(np.uint8))
    image = transforms.decode_for_evaluation(content, 64).numpy()
    assert image.shape == (64, 64, 3)
    assert image.dtype == np.float32
    # Pillow rounds to whole numbers after each of two passes.
    assert abs(image - by_pillow(content, 64)).max() < 2
    assert abs(image - by_pillow(content, 64)).mean() < 0.5


def by_tensorflow(image, size):
    """The same, from the whole picture, by TensorFlow: resize all, then cut."""
    shape = tf.shape(image)[:2]
    target = tf.maximum(shape * size // tf.reduce_min(shape), size)
    resized = tf.image.resize(image, target, method="bicubic", antialias=True)
    top, left = tf.unstack(tf.cast(tf.round((target - size) / 2), tf.int32))
    return tf.clip_by_value(resized[top : top + size, left : left + size], 0, 255).numpy()


@pytest.mark.parametrize("shape", [(64, 64), (150, 97), (33, 31), (301, 700), (1, 90), (90, 2)])
def test_only_the_square_is_computed_and_it_is_the_same(shape):
    image = np.random.default_rng(0).integers(0, 255, (*shape, 3)).astype(np.uint8)
    square = transforms.for_evaluation(tf.constant(image), 64).numpy()
    np.testing.assert_allclose(square, by_tensorflow(image, 64), rtol=0, atol=0.01)


ROWS = [(30_000, 1), (1, 400_000), (400_000, 1), (2, 900_000)]


def decode_rows():
    """Decode such pictures, dark, then light from the middle on; tell what memory grew by, too."""
    usual = io.BytesIO()
    Image.new("RGB", (1000, 1000)).save(usual, "PNG")
    call = tf.function(lambda encoded: transforms.decode_for_evaluation(encoded, 64, shrink=True))
    call(tf.constant(usual.getvalue()))
    decoded = []
    for shape in ROWS:
        row = np.arange(max(shape)) // (max(shape) // 2) * 200
        image = np.broadcast_to(row.reshape(-1, 1) if shape[1] < 9 else row, shape)
        content = io.BytesIO()
        Image.fromarray(image.astype(np.uint8)).save(content, "PNG")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = call(tf.constant(content.getvalue())).numpy()
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        decoded.append((result if shape[0] < shape[1] else result.transpose(1, 0, 2), grown))
    return decoded


@pytest.mark.slow  # imports TensorFlow once more
def test_a_picture_of_one_row_costs_no_more_than_another(alone):
    for result, grown in alone(decode_rows):
        assert result[:, 0].max() < 1
        assert result[:, -1].min() > 199
        assert grown < 3 * 1000 * 1000 * 3, "three times a usual one"


@pytest.mark.parametrize(("shape", "ratio"), [((200, 300), 2), ((600, 400), 4), ((800, 800), 8)])
def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same(encode, smooth, shape, ratio):
    content = encode(smooth(*shape))
    whole = transforms.decode_for_evaluation(content, 64).numpy()
    shrunk = transforms.decode_for_evaluation(content, 64, shrink=True).numpy()
    smaller = tf.io.decode_jpeg(content, ratio=ratio, dct_method="INTEGER_ACCURATE")
    assert (shrunk == transforms.for_evaluation(smaller, 64, ratio).numpy()).all()
    assert (shrunk != whole).any()
    assert abs(shrunk - whole).mean() < 0.5
    assert abs(shrunk - whole).max() < 4


@pytest.mark.parametrize("shape", [(170, 171), (169, 400)])
def test_a_jpeg_that_is_hardly_too_large_is_decoded_whole(encode, smooth, shape):
    content = encode(smooth(*shape))  # 64 pixels times 4 / 3 times 2 is more than 170
    shrunk = transforms.decode_for_evaluation(content, 64, shrink=True).numpy()
    assert (shrunk == transforms.decode_for_evaluation(content, 64).numpy()).all()


def test_evaluation_is_the_same_inside_a_pipeline(encode, smooth):
    content = encode(smooth(80, 100))
    inside = tf.data.Dataset.from_tensors(content).map(
        lambda encoded: transforms.decode_for_evaluation(encoded, 48)
    )
    eager = transforms.decode_for_evaluation(content, 48)
    assert (next(iter(inside)).numpy() == eager.numpy()).all()
    assert inside.element_spec.shape == (48, 48, 3)


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_jpegs_of_other_colours_become_rgb_as_in_pillow(smooth, mode):
    buffer = io.BytesIO()
    Image.fromarray(smooth(20, 30)).convert(mode).save(buffer, "JPEG")
    expected = np.asarray(Image.open(io.BytesIO(buffer.getvalue())).convert("RGB"))
    assert (transforms.decode(buffer.getvalue()).numpy() == expected).all()


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "LA"), ("PNG", "P"), ("BMP", "RGB")]
)
def test_other_pictures_are_decoded_too(smooth, kind, mode):
    picture = Image.fromarray(smooth(20, 30)).convert(mode)
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    decoded = transforms.decode(buffer.getvalue()).numpy()
    assert abs(decoded.astype(int) - np.asarray(picture.convert("RGB"))).max() == 0


def test_what_is_no_picture_is_an_error():
    with pytest.raises(tf.errors.InvalidArgumentError):
        transforms.decode(b"text")
