import json

import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.detections import pictures


@pytest.fixture
def folder(tmp_path):
    for name in ("b.JPG", "a.tiff", "._a.jpg", "notes.txt", "cam/z.png", ".trash/x.jpg"):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "images"


def test_a_folder_is_sorted_and_only_pictures(folder):
    found = pictures.named(folder, recursive=False)
    assert found.names == ("a.tiff", "b.JPG")
    assert found.as_given("a.tiff") == f"{folder.as_posix()}/a.tiff"


def test_recursive_looks_below_and_follows_a_link_once(folder):
    (folder / "cam" / "back").symlink_to(folder)
    assert pictures.named(folder, recursive=True).names == ("a.tiff", "b.JPG", "cam/z.png")


def test_a_list_keeps_its_order_and_each_picture_once(tmp_path):
    listing = tmp_path / "list.json"
    listing.write_text(json.dumps(["z.jpg", "/data/a.jpg", "cam\\b.jpg", "z.jpg"]))
    found = pictures.named(listing, recursive=False)
    assert found.names == ("z.jpg", "/data/a.jpg", "cam/b.jpg")
    assert found.again == ("z.jpg",)
    assert [found.as_given(name) for name in found.names] == list(found.names)


def test_one_picture_is_a_list_of_one(folder):
    assert pictures.named(folder / "b.JPG", recursive=False).names == (
        (folder / "b.JPG").as_posix(),
    )


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("[]", UserError, "no picture in it"),
        ('{"images": []}', FormatError, "expected a list of paths"),
        ('["a.jpg", 7]', FormatError, r"\[1\].*got 7"),
    ],
)
def test_a_list_that_is_none_is_refused(tmp_path, text, error, said):
    (tmp_path / "list.json").write_text(text)
    with pytest.raises(error, match=said):
        pictures.named(tmp_path / "list.json", recursive=False)


def test_a_folder_with_pictures_below_it_only_says_so(folder):
    (folder / "a.tiff").unlink()
    (folder / "b.JPG").unlink()
    with pytest.raises(UserError, match="--recursive looks below it too"):
        pictures.named(folder, recursive=False)
    with pytest.raises(UserError, match="no such folder, list or picture"):
        pictures.named(folder / "none", recursive=False)
    with pytest.raises(UserError, match="neither a folder"):
        pictures.named(folder / "notes.txt", recursive=False)
