"""What the cropper writes the trainer reads: all kinds and modes, pixel for pixel."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from database_tools import imaging
from database_tools.core.sampling import EpochPlan, Sampling
from tf_classification.data import picture_size, pipeline, plain_pictures, transforms
from tf_classification.data.augmentation import Augmentation
from tf_classification.data.batching import Batching

RNG = np.random.default_rng(0)
COLOURS = RNG.integers(0, 256, (24, 40, 3), np.uint8)
ALPHA = np.dstack([COLOURS, RNG.integers(0, 256, (24, 40), np.uint8)])
DEEP = RNG.integers(0, 65536, (24, 40), np.uint16)


def saved(picture, kind, **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def turned(orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


RGB = Image.fromarray(COLOURS)
MODES = {
    "RGB": RGB,
    "L": RGB.convert("L"),
    "1": RGB.convert("1"),
    "P": RGB.convert("P"),
    "RGBA": Image.fromarray(ALPHA),
    "LA": Image.fromarray(ALPHA).convert("LA"),
    "CMYK": RGB.convert("CMYK"),
    "YCbCr": RGB.convert("YCbCr"),
    "I;16": Image.fromarray(DEEP),
    "F": Image.fromarray(DEEP.astype(np.float32)),
}
KINDS = {
    "JPEG": ("RGB", "L", "CMYK", "YCbCr"),
    "PNG": ("RGB", "L", "1", "P", "RGBA", "LA", "I;16"),
    "GIF": ("RGB", "L", "1", "P", "RGBA"),
    "BMP": ("RGB", "L", "1", "P", "RGBA"),
    "TIFF": ("RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "YCbCr", "I;16", "F"),
    "WEBP": ("RGB", "L", "RGBA"),
    "PPM": ("RGB", "L", "1", "I;16"),
}
FILES = {
    f"{kind} {mode}": saved(MODES[mode], kind) for kind, modes in KINDS.items() for mode in modes
}
FILES |= {f"turned JPEG {i}": saved(RGB, "JPEG", exif=turned(i)) for i in range(1, 9)}
FILES |= {
    "turned PNG": saved(RGB, "PNG", exif=turned(6)),
    "turned TIFF": saved(RGB, "TIFF", exif=turned(6)),
    "progressive JPEG": saved(RGB, "JPEG", progressive=True),
    "PNG with a transparent colour": saved(RGB, "PNG", transparency=(1, 2, 3)),
    "P PNG with a transparent entry": saved(MODES["P"], "PNG", transparency=4),
    "GIF of two frames": saved(MODES["P"], "GIF", save_all=True, append_images=[MODES["1"]]),
    "PNG of two frames": saved(RGB, "PNG", save_all=True, append_images=[MODES["L"]]),
    "interlaced GIF": saved(MODES["P"], "GIF", interlace=1),
}


@pytest.mark.parametrize("name", FILES)
def test_tensorflow_decodes_what_the_loader_sees(name):
    encoded = plain_pictures.plain(FILES[name])
    seen = imaging.load(FILES[name])
    np.testing.assert_array_equal(transforms.decode(tf.constant(encoded)), seen)
    assert picture_size.read(encoded) == seen.shape[:2]


@pytest.mark.parametrize("name", ["JPEG RGB", "JPEG L", "PNG RGB", "PNG RGBA", "turned JPEG 1"])
def test_what_tensorflow_reads_rightly_goes_to_it_as_it_is(name):
    assert plain_pictures.plain(FILES[name]) is FILES[name]


@pytest.mark.parametrize("content", [b"", b"text", FILES["TIFF RGB"][:200], b"\xff\xd8\xff\xe0"])
def test_what_the_loader_refuses_is_nothing(content):
    assert plain_pictures.plain(content) == b""


def test_a_huge_picture_of_the_loaders_is_handed_on_smaller():
    encoded = plain_pictures.plain(saved(Image.new("RGB", (4000, 1500), "red"), "TIFF"))
    assert picture_size.read(encoded) == (750, 2000)  # 6 million pixels by 2 x 2


def batches(examples):
    plan = EpochPlan(examples.labels, Sampling(seed=0))
    how, none = Batching(4, 16), Augmentation(scale=(1, 1), ratio=(1, 1), rotation=0)
    yield from pipeline.training(examples, plan, how, none, num_labels=3, epochs=1)
    yield from pipeline.evaluation(examples, how)


def test_training_and_evaluation_read_every_kind(examples_of):
    for batch in batches(examples_of(list(FILES.values()))):
        assert (batch["weight"].numpy() == (batch["index"].numpy() >= 0)).all()


def test_training_and_evaluation_refuse_pictures_of_too_many_pixels(examples_of, monkeypatch):
    monkeypatch.setattr(picture_size, "MAX_PIXELS", 500)
    small = saved(Image.new("RGB", (20, 20)), "JPEG")
    for batch in batches(examples_of([small, FILES["JPEG RGB"], small, small])):
        large = batch["index"].numpy() == 1
        assert (batch["weight"].numpy() == ~large).all()


def test_training_pictures_travel_as_bytes_unless_they_are_mixed(examples_of):
    examples = examples_of(list(FILES.values())[:4])
    plan = EpochPlan(examples.labels, Sampling(seed=0))
    for changes, dtype in ((Augmentation(), tf.uint8), (Augmentation(mixup=1), tf.float32)):
        stream = pipeline.training(examples, plan, Batching(4, 16), changes, num_labels=3, epochs=1)
        assert stream.element_spec["image"].dtype == dtype
    assert pipeline.evaluation(examples, Batching(4, 16)).element_spec["image"].dtype == tf.float32
