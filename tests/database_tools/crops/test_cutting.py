"""The work on one picture: decoded once, cut at every box, and never an exception."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageOps

from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe, FileKind, Geometry
from database_tools.crops import cutting
from database_tools.crops.cutting import Crop, Job

BOXES = np.array([[0.125, 0.125, 0.25, 0.25], [0.5, 0.5, 0, 0], [0.5, 0.75, 0.25, 0.25]])
TIGHT = CropRecipe.of_2019(1.0)
WHOLE = np.array([[0.0, 0.0, 1.0, 1.0]])


@pytest.fixture
def path(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (64, 128, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def opened(content):
    return Image.open(io.BytesIO(content))


def test_a_picture_is_decoded_once_however_many_boxes_it_has(path, monkeypatch):
    calls = []
    real = Image.open
    monkeypatch.setattr(Image, "open", lambda *a, **k: calls.append(a) or real(*a, **k))
    boxes = np.tile(BOXES, (40, 1))
    assert len(cutting.cut(Job(str(path), boxes, TIGHT, 10**6)).crops) == 120
    assert len(calls) == 1


def test_there_is_a_place_for_every_box(path):
    first, thin, last = cutting.cut(Job(str(path), BOXES, TIGHT, 10**6, records=True)).crops
    assert (first.width, first.height) == (32, 32)  # 32 x 16 pixels, squared
    assert thin == reasons.NO_AREA
    assert (last.width, last.height) == (32, 24)  # rows 40 to 72, cut off
    assert opened(first.file).format == "PNG"
    assert opened(first.jpeg).format == "JPEG"


def test_only_what_is_wanted_is_encoded(path):
    job = Job(str(path), WHOLE, TIGHT, 10**6)
    [file_only] = cutting.cut(job).crops
    [record_only] = cutting.cut(replace(job, files=False, records=True)).crops
    [both] = cutting.cut(replace(job, records=True)).crops
    assert (file_only.file, file_only.jpeg) == (both.file, b"")
    assert (record_only.file, record_only.jpeg) == (b"", both.jpeg)


def test_the_same_job_gives_the_same_bytes(path):
    job = Job(str(path), BOXES, CropRecipe.of_2019(1.69), 10**6, records=True)
    assert cutting.cut(job) == cutting.cut(job)


@pytest.mark.parametrize(
    ("pixels", "name", "reason"), [(10, "a.png", "too large"), (10**6, "b.png", "missing")]
)
def test_a_picture_that_cannot_be_read_is_a_result(path, pixels, name, reason):
    cut = cutting.cut(Job(str(path.with_name(name)), BOXES, TIGHT, pixels))
    assert (cut.crops, cut.reason) == ((), reason)


def white(tmp_path, name, size):
    Image.new("RGB", size, "white").save(tmp_path / name)
    return str(tmp_path / name)


@pytest.mark.parametrize(
    ("geometry", "box", "size", "black"),
    [
        (Geometry.SQUARE, (0.85, 0.2, 0.15, 0.6), (60, 60), 0),
        (Geometry.LEGACY_SQUARE, (0.85, 0.2, 0.15, 0.6), (60, 60), 900),  # 15 columns of 60
        (Geometry.SQUARE, (0, 0, 1, 1), (200, 200), 20_000),
        (Geometry.LEGACY_SQUARE, (0, 0, 1, 1), (200, 200), 20_000),
        (Geometry.BOX, (0.1, 0.1, 0.2, 0.5), (40, 50), 0),
    ],
)
def test_squares_have_as_much_black_as_worked_out_by_hand(tmp_path, geometry, box, size, black):
    picture = white(tmp_path, "a.png", (200, 100))
    recipe = CropRecipe(geometry, file=FileKind.AS_PICTURE)
    [crop] = cutting.cut(Job(picture, np.array([box]), recipe, 10**6)).crops
    pixels = np.asarray(opened(crop.file))
    assert pixels.shape == (size[1], size[0], 3)
    assert (pixels == 0).all(axis=2).sum() == black


@pytest.mark.parametrize("size", [(200, 101), (200, 102), (201, 100), (101, 200), (7, 2)])
def test_black_lies_where_pillow_pads(tmp_path, size):
    picture = white(tmp_path, "a.png", size)
    recipe = CropRecipe(Geometry.SQUARE, file=FileKind.AS_PICTURE)
    [crop] = cutting.cut(Job(picture, WHOLE, recipe, 10**6)).crops
    padded = ImageOps.pad(Image.open(picture), (max(size),) * 2)
    assert (np.asarray(opened(crop.file)) == np.asarray(padded)).all()


def test_jpeg_whatever_the_pictures_name_if_the_recipe_says_so(path):
    [crop] = cutting.cut(Job(str(path), WHOLE, CropRecipe(quality=75), 10**6, records=True)).crops
    expected = io.BytesIO()
    ImageOps.pad(Image.open(path), (128, 128)).save(expected, "JPEG")  # Pillow's 75
    assert crop.file == crop.jpeg == expected.getvalue()
    [better] = cutting.cut(Job(str(path), WHOLE, CropRecipe(quality=90), 10**6)).crops
    assert len(better.file) > len(crop.file)


@pytest.mark.parametrize(
    ("name", "width", "records", "reason"),
    [
        ("a.tif", 65_501, True, reasons.NOT_ENCODABLE),  # no JPEG for the record
        ("a.tif", 65_501, False, None),  # but a TIFF
        ("a.png", 65_500, True, None),
        ("a.x", 65_501, False, reasons.NOT_ENCODABLE),  # of unknown kind, so a JPEG
        ("a.webp", 16_384, False, reasons.NOT_ENCODABLE),
        ("a.webp", 16_383, True, None),
        ("a.gif", 65_536, False, reasons.NOT_ENCODABLE),
        ("a.gif", 65_535, False, None),
    ],
)
def test_a_window_that_the_encoder_refuses_is_a_reason(
    tmp_path, capfd, name, width, records, reason
):
    white(tmp_path, "a.png", (width, 2))
    (tmp_path / "a.png").rename(tmp_path / name)
    job = Job(str(tmp_path / name), WHOLE, TIGHT, 10**9, records=records)
    [crop] = cutting.cut(job).crops
    assert crop == reason if reason else isinstance(crop, Crop)
    assert capfd.readouterr().err == ""


def test_an_encoder_with_a_limit_of_its_own_is_a_reason(path, monkeypatch):
    def save(*args, **options):
        raise OSError("too wide for my liking")

    monkeypatch.setattr(Image.Image, "save", save)
    assert cutting.cut(Job(str(path), WHOLE, TIGHT, 10**6)).crops == (reasons.NOT_ENCODABLE,)


def test_a_square_around_a_panorama_does_not_fill_the_memory(tmp_path):
    picture = white(tmp_path, "a.png", (60_000, 10))
    boxes = np.array([[0, 0, 1, 1], [0, 0, 0.001, 1]])
    wide, narrow = cutting.cut(Job(picture, boxes, CropRecipe(), 10**6)).crops
    assert wide == reasons.CROP_TOO_LARGE  # 3,600 megapixels
    assert (narrow.width, narrow.height) == (60, 60)
