from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tf_classification.data import picture_size


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"progressive": True},
        {"exif": b"Exif\0\0" + b"x" * 5000},
        {"comment": b"\xff\xc0 not a frame", "icc_profile": b"p" * 70_000},
    ],
)
def test_size_of_a_jpeg(encode, options):
    assert picture_size.read(encode(np.zeros((30, 50, 3), np.uint8), **options)) == (30, 50)


@pytest.mark.parametrize(
    ("kind", "mode"), [("PNG", "RGBA"), ("PNG", "P"), ("GIF", "P"), ("BMP", "L")]
)
def test_size_of_other_pictures(kind, mode):
    buffer = io.BytesIO()
    Image.new(mode, (50, 30)).save(buffer, kind)
    assert picture_size.read(buffer.getvalue()) == (30, 50)


def test_what_has_no_size_is_unreadable(encode):
    jpeg = encode(np.zeros((30, 50, 3), np.uint8))
    broken = [b"", b"text", b"\xff\xd8\xff", jpeg[:100], b"\x89PNG\r\n\x1a\n", jpeg[:2] + b"?" * 50]
    assert [picture_size.read(content) for content in broken] == [picture_size.UNREADABLE] * 6


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "it is empty"),
        (b"a,b\r\n1,2\r\n", "it is a text, not a picture"),
        ("<svg>野猪</svg>".encode() * 200, "it is a text, not a picture"),  # cut within a letter
        (b"\xff\xd8\xff", "it is no picture, or damaged"),
        (b"caf\xe9", "it is no picture, or damaged"),  # Latin-1 may be anything
        (b"\0" * 50, "it is no picture, or damaged"),
        (b"BM", "it is a text, not a picture"),  # the start of a BMP, but of nothing more
    ],
)
def test_what_is_no_picture_is_told_apart(content, problem):
    assert picture_size.problem(content) == problem


def test_bombs_are_unreadable(encode):
    jpeg = encode(np.zeros((30, 50, 3), np.uint8))
    bomb = jpeg.replace(b"\x00\x1e\x00\x32", b"\xff\xff\xff\xff", 1)
    assert bomb != jpeg
    assert picture_size.read(bomb) == picture_size.UNREADABLE


def test_repeated_fill_bytes_before_a_marker_are_skipped(encode):
    jpeg = encode(np.zeros((30, 50, 3), np.uint8))
    assert picture_size.read(jpeg[:2] + b"\xff\xff" + jpeg[2:]) == (30, 50)
