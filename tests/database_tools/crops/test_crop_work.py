"""The work on one picture: decoded once, cut at every box, and never an exception."""

import numpy as np
import pytest
from PIL import Image

from database_tools.crops import crop_work
from database_tools.crops.crop_work import Job

BOXES = np.array([[0.125, 0.125, 0.25, 0.25], [0.5, 0.5, 0, 0], [0.5, 0.75, 0.25, 0.25]])


@pytest.fixture
def path(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 128, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_a_picture_is_decoded_once_however_many_boxes_it_has(path, monkeypatch):
    opened = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: opened.append(a) or real(*a, **k))
    assert len(crop_work.cut(Job(str(path), BOXES, 1.0, 10**6)).crops) == 3
    assert len(opened) == 1


def test_there_is_a_place_for_every_box(path):
    first, thin, last = crop_work.cut(Job(str(path), BOXES, 1.0, 10**6)).crops
    assert (first.width, first.height) == (32, 32)  # 32 x 16 pixels, squared
    assert thin is None
    assert (last.width, last.height) == (32, 24)  # rows 40 to 72, cut off
    assert first.file[:4] == b"\x89PNG"
    assert first.jpeg[:2] == b"\xff\xd8"


def test_the_same_job_gives_the_same_bytes(path):
    job = Job(str(path), BOXES, 1.69, 10**6)
    assert crop_work.cut(job) == crop_work.cut(job)


@pytest.mark.parametrize(
    ("pixels", "name", "reason"), [(10, "a.png", "too large"), (10**6, "b.png", "missing")]
)
def test_a_picture_that_cannot_be_read_is_a_result(path, pixels, name, reason):
    cut = crop_work.cut(Job(str(path.with_name(name)), BOXES, 1.0, pixels))
    assert (cut.crops, cut.reason) == ((), reason)
