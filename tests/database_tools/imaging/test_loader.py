"""Pictures as real folders hold them: all orientations, modes and kinds of damage."""

import io

import numpy as np
import pytest
from PIL import Image, ImageFile

from database_tools import imaging

# Four colours, one in each corner of a 24 x 16 picture: every turn shows.
CORNERS = np.zeros((16, 24, 3), np.uint8)
CORNERS[:8, :12] = (250, 0, 0)
CORNERS[:8, 12:] = (0, 250, 0)
CORNERS[8:, :12] = (0, 0, 250)
CORNERS[8:, 12:] = (250, 250, 250)

# How a picture must be stored so that it is shown as CORNERS (TIFF 6.0, tag 274).
STORED = {
    1: CORNERS,
    2: CORNERS[:, ::-1],
    3: CORNERS[::-1, ::-1],
    4: CORNERS[::-1],
    5: CORNERS.transpose(1, 0, 2),
    6: np.rot90(CORNERS, 1),
    7: CORNERS[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(CORNERS, -1),
}


def encoded(image, kind="PNG", **options):
    if not isinstance(image, Image.Image):
        image = Image.fromarray(np.ascontiguousarray(image))
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_shown_upright(orientation, kind):
    exif = Image.Exif()
    exif[0x0112] = orientation
    lossless = {"quality": 100, "subsampling": 0} if kind == "JPEG" else {"lossless": True}
    options = {} if kind in ("PNG", "TIFF") else lossless
    content = encoded(STORED[orientation], kind, exif=exif, **options)
    shown = imaging.load(content)
    assert shown.shape == CORNERS.shape
    assert np.abs(shown.astype(int) - CORNERS).max() <= 8


@pytest.mark.parametrize("value", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_counts_as_none(value):
    exif = Image.Exif()
    exif[0x0112] = value
    np.testing.assert_array_equal(imaging.load(encoded(CORNERS, "PNG", exif=exif)), CORNERS)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_a_broken_exif_block_counts_as_none():
    content = encoded(CORNERS, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01")
    assert imaging.load(content).shape == CORNERS.shape


RAMP = np.arange(256, dtype=np.uint16).reshape(16, 16)


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind):
    shown = imaging.load(encoded(RAMP * 257, kind))
    np.testing.assert_array_equal(shown, np.repeat(RAMP[..., None], 3, axis=2))


@pytest.mark.parametrize(
    ("values", "middle"),
    [
        (np.array([[0, 32768, 65535]], np.int32), 127),  # 32-bit holder of 16 bits
        (np.array([[0, 2**30, 2**31 - 1]], np.int32), 127),
        (np.array([[0, 0.5, 1.0]], np.float32), 127),
        (np.array([[np.nan, 100, 255.0]], np.float32), 100),
    ],
)
def test_wide_grey_is_scaled_by_the_smallest_range_that_holds_it(values, middle):
    shown = imaging.load(encoded(values, "TIFF"))
    assert shown[0, :, 0].tolist() == [0, middle, 255]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_every_mode_comes_out_as_rgb(mode):
    kind = {"CMYK": "JPEG", "YCbCr": "JPEG"}.get(mode, "PNG")
    source = Image.fromarray(CORNERS).convert(mode)
    shown = imaging.load(encoded(source, kind))
    assert shown.shape == CORNERS.shape
    assert shown.dtype == np.uint8
    assert shown[15, 23].min() > 200  # the white corner is still white
    assert shown.flags.writeable


def test_alpha_is_dropped_and_the_colours_below_it_stay():
    clear = np.dstack([CORNERS, np.zeros((16, 24), np.uint8)])
    np.testing.assert_array_equal(imaging.load(encoded(clear)), CORNERS)


def test_a_palettes_transparent_entry_keeps_its_colour():
    palette = Image.fromarray(CORNERS).quantize(4)
    shown = imaging.load(encoded(palette, "PNG", transparency=palette.getpixel((0, 0))))
    np.testing.assert_array_equal(shown, CORNERS)


def test_the_first_frame_of_several_is_the_picture():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert imaging.load(content)[0, 0].tolist() == [255, 0, 0]


JPEG = encoded(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8), "JPEG")
PNG = encoded(CORNERS)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"a text, not a picture", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),  # runs programs
        (JPEG[:20], "corrupt"),  # a header only
        (JPEG[: len(JPEG) // 2], "truncated"),
        (PNG[:-40], "truncated"),
        (PNG[:45] + b"\xff" * 20 + PNG[65:], "corrupt"),
    ],
)
def test_what_is_no_whole_picture_has_a_reason(content, reason):
    with pytest.raises(imaging.UnreadableImage) as caught:
        imaging.load(content)
    assert caught.value.reason == reason


def test_files_that_are_not_there_have_a_reason(tmp_path):
    (tmp_path / "a.jpg").write_bytes(JPEG)
    for path in ("no.jpg", "a.jpg/b.jpg"):
        with pytest.raises(imaging.UnreadableImage, match="missing"):
            imaging.load(tmp_path / path)
    with pytest.raises(imaging.UnreadableImage, match="not an image"):
        imaging.load(tmp_path)
    with pytest.raises(imaging.UnreadableImage, match="unreadable"):
        imaging.load(tmp_path / ("a" * 300))


def test_the_limit_on_pixels_counts_before_decoding():
    with pytest.raises(imaging.UnreadableImage, match="too large"):
        imaging.load(PNG, max_pixels=16 * 24 - 1)
    assert imaging.load(PNG, max_pixels=16 * 24).shape == CORNERS.shape


def test_what_is_cut_from_a_picture_carries_no_metadata():
    exif = Image.Exif()
    exif[0x010F] = "a maker"
    content = encoded(CORNERS, "JPEG", exif=exif, comment=b"a note", icc_profile=b"a profile")
    cut = encoded(imaging.open_upright(content).crop((0, 0, 8, 8)), "JPEG")
    assert not any(secret in cut for secret in (b"a maker", b"a note", b"a profile"))


def test_a_truncated_file_is_refused_whatever_other_libraries_allow(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(imaging.UnreadableImage, match="truncated"):
        imaging.load(JPEG[: len(JPEG) // 2])
