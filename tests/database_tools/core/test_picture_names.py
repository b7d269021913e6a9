"""Names in annotations that must not lead out of a folder, nor two pictures to one crop."""

import pytest

from database_tools.core.picture_names import class_folders, crop_name, inside


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("a\\b.jpg", "a/b.jpg"),  # written on Windows
        ("a..b/c.jpg", "a..b/c.jpg"),  # two dots inside a name lead nowhere
        ("/etc/passwd", None),
        ("../a.jpg", None),
        ("a/../../b.jpg", None),
        ("a/../b.jpg", None),  # harmless, and never meant
        ("..\\a.jpg", None),
        ("C:/a.jpg", None),
        ("c:\\a.jpg", None),
        ("\\\\server\\a.jpg", None),
        ("a\0.jpg", None),
        ("", None),
        (".", None),
    ],
)
def test_a_name_leads_into_the_folder_or_nowhere(name, written):
    assert inside(name) == written


@pytest.mark.parametrize(
    ("categories", "folders"),
    [
        (("red fox", "empty"), ("red fox", "empty")),  # a blank is part of a name
        (("bird/duck", "bird\\goose"), ("bird_duck", "bird_goose")),
        (("a/b", "a_b"), ("a_b", "a_b_1")),  # both become the same
        (("a_b_1", "x", "a/b", "a_b"), ("a_b_1", "x", "a_b", "a_b_3")),
        (("a_b_1", "a/b", "a_b"), ("a_b_1", "a_b", "a_b_2")),
        (("a_1", "a"), ("a_1", "a")),
        (("..", "."), ("_..", "_.")),
        (("train.json",), ("train.json_0",)),  # a file of ours
        (("line\nbreak",), ("line_break",)),
    ],
)
def test_each_category_has_a_folder_of_its_own(categories, folders):
    assert class_folders(categories, {"train.json"}) == folders


@pytest.mark.parametrize(
    ("name", "number", "crop"),
    [
        ("x/a.jpg", 0, "x/a_0.jpg"),
        ("a.b.JPG", 12, "a.b_12.JPG"),
        ("x.y/a", 1, "x.y/a_1"),  # no extension
        ("taken.jpg", 0, "taken__0.jpg"),  # a picture has the name
    ],
)
def test_crops_of_one_picture_are_numbered(name, number, crop):
    assert crop_name(name, number, {"taken_0.jpg"}) == crop
