"""Copies of a picture look like it; other pictures do not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from database_tools.imaging import perceptual
from database_tools.imaging.perceptual import ALIKE, CLOSE


def encoded(image, quality=75):
    content = io.BytesIO()
    image.save(content, "JPEG", quality=quality)
    return Image.open(io.BytesIO(content.getvalue())).convert("RGB")


def cut(image):
    x, y = round(image.width * 0.025), round(image.height * 0.025)
    return image.crop((x, y, image.width - x, image.height - y))


COPIES = {
    "quality 50": lambda x: encoded(x, 50),
    "half the size": lambda x: encoded(x.resize((x.width // 2, x.height // 2), 1)),
    "cut": lambda x: encoded(cut(x)),
    "mirrored": lambda x: encoded(ImageOps.mirror(x)),
    "mirrored and cut": lambda x: encoded(cut(ImageOps.mirror(x))),
    "brighter": lambda x: encoded(ImageEnhance.Brightness(x).enhance(1.2)),
    "darker": lambda x: encoded(ImageEnhance.Brightness(x).enhance(0.8)),
}


def distance(a, b):
    pairs = [(x, y) for x in (*a, *perceptual.mirrored(a)) for y in b]
    return min(int(np.bitwise_count(x ^ y).sum()) for x, y in pairs)


@pytest.mark.parametrize("copy", COPIES)
def test_a_copy_differs_in_few_bits_and_looks_alike(copy, scene):
    for seed in range(10):
        original = scene(seed)
        changed = COPIES[copy](original)
        assert distance(perceptual.hashes(original), perceptual.hashes(changed)) <= CLOSE
        assert perceptual.likeness(original, changed) >= ALIKE


def test_other_pictures_differ_in_about_half_of_the_bits(scene):
    found = [perceptual.hashes(scene(seed)) for seed in range(40)]
    far = [distance(a, b) for i, a in enumerate(found) for b in found[:i]]
    assert min(far) > 70
    assert perceptual.likeness(scene(0), scene(1)) < 0.6


def test_mirroring_the_hash_is_hashing_the_mirrored_picture(scene):
    original = scene(3)
    turned = perceptual.mirrored(perceptual.hashes(original))
    differ = np.bitwise_count(turned ^ perceptual.hashes(ImageOps.mirror(original)))
    assert differ.sum(axis=1).max() <= 5  # grey values are rounded


def test_a_picture_of_one_colour_has_no_hash():
    flat = perceptual.hashes(Image.new("RGB", (50, 40), (90, 90, 90)))
    assert not flat.any()
    assert not perceptual.mirrored(flat).any()
    assert perceptual.hashes(Image.new("RGB", (1, 1))).shape == (2, 32)
