import pytest

from database_tools.core import detector_version
from database_tools.core.errors import UserError


@pytest.mark.parametrize(
    ("detector", "version"),
    [
        ("md_v4.1.0.pb", "4.1.0"),
        ("megadetector_v4.1", "4.1"),
        ("md_v5a.0.0.pt", "5a.0.0"),
        (r"C:\models\dev2\MDV5b.0.0.PT", "5b.0.0"),
        ("/models/v3/md_v1000.0.0-redwood.onnx", "1000.0.0-redwood"),
        ("md_v5a.0.0.pb.zip", "5a.0.0"),
        ("yolov5_md_v4", "4"),
        ("conservative", None),
        ("/models/v3/tiny.pb", None),
        ("", None),
    ],
)
def test_version_follows_the_last_v_and_digit_of_the_name(detector, version):
    assert detector_version.of(detector) == version


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("4.1", "4.1.0", True),
        ("4.1.0", "4.1", True),
        ("5", "5.0.0", True),
        ("4.1", "4.10", False),
        ("5a", "5b", False),
        ("4.1", "4.1.1", False),
        ("5a.0.0.pt", "5a", True),
    ],
)
def test_missing_parts_of_a_version_are_zero(first, second, same):
    assert detector_version.same(first, second) is same


@pytest.mark.parametrize(
    ("flag", "detector", "version"),
    [
        ("4.1", "md_v4.1.0.pb", "4.1"),
        (None, "md_v4.1.0.pb", "4.1.0"),
        ("7", "tiny", "7"),
        ("7", None, "7"),
    ],
)
def test_the_flag_says_the_version_else_the_file(flag, detector, version):
    assert detector_version.choose(flag, detector, "md.json") == version


@pytest.mark.parametrize(
    ("flag", "detector", "said"),
    [
        ("5", "md_v4.1.0.pb", "md.json: info.detector is 'md_v4.1.0.pb', version 4.1.0, but"),
        (None, "tiny", "info.detector is 'tiny', which has no version; say --detector-version"),
        (None, None, "no info.detector"),
        ("4/1", None, "cannot be part of a file's name"),
        ("", None, "cannot be part of a file's name"),
    ],
)
def test_a_version_that_is_in_doubt_is_one_line(flag, detector, said):
    with pytest.raises(UserError, match=said):
        detector_version.choose(flag, detector, "md.json")
