from __future__ import annotations

import io

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
