"""Names that must lead into a folder, never two to one file, and be found in any spelling."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import names
from database_tools.core.names import (
    CropName,
    Disk,
    Listed,
    Numbered,
    category_folders,
    unnumbered,
)
from database_tools.core.reasons import TOO_LONG, UNWRITABLE

NFC, NFD = (unicodedata.normalize(form, "forêt/é.jpg") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("a/b.jpg", "a/b.jpg"),
        ("./a//b.jpg", "a/b.jpg"),
        ("a\\b.jpg", "a/b.jpg"),  # written on Windows
        ("a..b/c.jpg", "a..b/c.jpg"),  # two dots inside a name lead nowhere
        ("C:a.jpg", "C:a.jpg"),  # a file's name but on Windows
        ("caf\udce9.jpg", "caf\udce9.jpg"),  # Latin-1, as Python has a name that is not UTF-8
        (NFD, NFD),  # the source's spelling
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
        ("./", None),
    ],
)
def test_a_name_leads_into_the_folder_or_nowhere(name, written):
    assert names.written(name, windows=False) == written


def test_on_windows_a_letter_and_a_colon_lead_to_another_drive():
    assert names.written("C:a.jpg", windows=True) is None
    assert names.written("CC:a.jpg", windows=True) is not None


def test_two_spellings_are_compared_as_one_and_tried_in_order():
    assert names.key(NFD) == names.key(NFC) == NFC
    assert names.spellings(NFD) == (NFD, NFC)
    assert names.spellings(NFC) == (NFC, NFD)
    assert names.spellings("a.jpg") == ("a.jpg",)


@pytest.mark.parametrize("text", ["/a//b.jpg", "\\a\\.\\b.jpg", "/a/b.jpg/"])
def test_an_absolute_path_is_tidied_too(text):
    assert names.tidy(text) == "/a/b.jpg"


def test_a_list_is_asked_in_any_spelling():
    listed = Listed({NFD: 1, "b.jpg": 2, 7: 3})
    assert listed.find(NFC) == listed.find(NFD) == NFD
    assert listed.find("b.jpg") == "b.jpg"
    assert listed.find("c.jpg") is None
    mixed = NFC.split("/")[0] + "/" + NFD.split("/")[1]  # a Mac's file in another's folder
    assert listed.find(mixed) == NFD
    assert Listed([mixed]).find(NFD) == mixed


def test_of_two_files_that_differ_in_form_each_finds_itself():
    listed = Listed([NFC, NFD])  # Linux keeps both
    assert (listed.find(NFC), listed.find(NFD)) == (NFC, NFD)


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("a/" + "b" * 251 + ".jpg", None),
        ("a/" + "b" * 252 + ".jpg", TOO_LONG),  # 256 bytes
        ("é" * 125 + "b.jpg", None),  # 255 bytes of 130 letters
        ("é" * 126 + ".jpg", TOO_LONG),
        ("/".join(["x" * 249] * 16), None),  # 4000 bytes with the slash before it
        ("/".join(["x" * 249] * 15 + ["x" * 250]), TOO_LONG),
        ("caf\udce9.jpg", None),
        ("half\ud800.jpg", UNWRITABLE),
        ("what?.jpg", None),
    ],
)
def test_a_disk_of_linux_takes_what_has_bytes_and_is_short_enough(name, refusal):
    assert Disk().refusal(name) == refusal


@pytest.mark.parametrize("name", ["what?.jpg", "a:b/c.jpg", "aux/c.jpg", "c. ", "a./b.jpg"])
def test_a_disk_of_windows_refuses_its_signs(name):
    assert Disk(plain_only=True).refusal(name) == UNWRITABLE
    assert Disk(plain_only=True).refusal("a b/c.d.jpg") is None


def test_a_disk_says_which_names_it_takes_for_one():
    assert Disk().same("A.jpg") == "A.jpg"
    assert Disk().same(NFD) != Disk().same(NFC)
    assert Disk(ignores_form=True).same(NFD) == NFC
    assert Disk(ignores_case=True).same(NFD.upper()) == Disk(ignores_case=True).same(NFC)


@pytest.mark.parametrize(
    ("categories", "folders"),
    [
        (("red fox", "empty"), ("red fox", "empty")),  # a blank is part of a name
        (("bird/duck", "bird\\goose"), ("bird_duck", "bird_goose")),
        (("a/b", "a_b"), ("a_b", "a_b_1")),  # both become the same
        (("a_b_1", "x", "a/b", "a_b"), ("a_b_1", "x", "a_b", "a_b_3")),
        (("a_b_1", "a/b", "a_b"), ("a_b_1", "a_b", "a_b_2")),
        (("a_1", "a"), ("a_1", "a")),
        (("..", ".", ""), ("___", "__", "_")),
        ((".git", "_.git"), ("_.git", "_.git_1")),
        (("train.json", "Train.JSON"), ("train.json_0", "Train.JSON_1")),  # a file of ours
        (("line\nbreak",), ("line_break",)),
        (("aux", "AUX.x", "com7", "lpt¹ a"), ("_aux", "_AUX.x", "_com7", "_lpt¹ a")),
        (("auxiliary", "com77"), ("auxiliary", "com77")),
        (("con.", "bear ", "bear", "x. ."), ("con_", "bear_", "bear", "x___")),
        (("Fox:red?", 'a<b>"|*'), ("Fox_red_", "a_b____")),
        (("Fox", "fox", NFC.split("/")[0], NFD.split("/")[0]),
         ("Fox", "fox_1", NFC.split("/")[0], NFD.split("/")[0] + "_3")),
        (("half\ud800", "latin\udce9"), ("half_", "latin_")),
        (("é" * 200, "é" * 199), ("é" * 127, "é" * 126 + "_1")),  # 254 bytes, 254 bytes
        (("a" * 254 + " b",), ("a" * 254 + "_",)),  # the cut leaves a blank at the end
    ],
)  # fmt: skip
def test_each_category_has_a_folder_that_every_system_takes(categories, folders):
    assert category_folders(categories, {"train.json"}.__contains__) == folders


@given(st.lists(st.text(), unique=True, max_size=8))
def test_folders_of_any_categories_are_plain_and_differ_on_any_disk(categories):
    folders = category_folders(categories)
    disk = Disk(ignores_case=True, ignores_form=True, plain_only=True)
    assert [disk.refusal(folder) for folder in folders] == [None] * len(categories)
    assert len({disk.same(folder) for folder in folders}) == len(categories)
    assert not any(folder.startswith(".") for folder in folders)


@pytest.mark.parametrize(
    ("name", "number", "crop"),
    [
        ("x/a.jpg", 0, "x/a_0.jpg"),
        ("a.b.JPG", 12, "a.b_12.JPG"),
        ("x.y/a", 1, "x.y/a_1"),  # no extension
        ("taken.jpg", 0, "taken__0.jpg"),  # a picture has the name
        ("folder.jpg", 0, "folder__0.jpg"),  # a folder of pictures has it
        ("both.jpg", 0, "both___0.jpg"),  # a picture, and a crop of both_.jpg
        ("both_.jpg", 0, "both__0.jpg"),
    ],
)
def test_crops_of_one_picture_are_numbered(name, number, crop):
    listed = ["taken_0.jpg", "folder_0.jpg/b.jpg", "both.jpg", "both_0.jpg", "both_.jpg"]
    assert Numbered(listed).name(name, number) == crop


def test_a_disk_without_case_keeps_numbered_crops_apart():
    assert Numbered(["a.jpg", "A_0.JPG"]).name("a.jpg", 0) == "a_0.jpg"
    assert Numbered(["a.jpg", "A_0.JPG"], Disk(ignores_case=True)).name("a.jpg", 0) == "a__0.jpg"


tricky = st.from_regex(r"(a|A|b_)_{0,3}[01]?_?0?(\.jpg)?(/a(_0)?)?", fullmatch=True)


@given(st.sets(tricky, min_size=1, max_size=12), st.booleans())
def test_no_two_crops_share_a_name_and_each_tells_its_picture(pictures, ignores_case):
    disk = Disk(ignores_case=ignores_case)
    apart = list({disk.same(name): name for name in sorted(pictures)}.values())
    numbered = Numbered(apart, disk)
    crops = {(name, box): numbered.name(name, box) for name in apart for box in (0, 1, 10)}
    assert len({disk.same(crop) for crop in [*crops.values(), *apart]}) == 4 * len(apart)
    for (name, box), crop in crops.items():
        assert (name, box) in unnumbered(crop)


def test_many_pictures_with_underscores_take_no_time():
    # Each of them wants the crops of all those before it.
    listed = [f"a{'_' * i}.jpg" for i in range(99)] + [f"a{'_' * i}0.jpg" for i in range(99)]
    numbered = Numbered(listed)
    assert len({numbered.name(name, 0) for name in listed}) == 198


@pytest.mark.parametrize(
    ("crop", "sources"),
    [
        ("x/a.jpg", [("x/a.jpg", None)]),
        ("x/a_0.jpg", [("x/a_0.jpg", None), ("x/a.jpg", 0)]),
        ("a__12.jpg", [("a__12.jpg", None), ("a_.jpg", 12), ("a.jpg", 12)]),
        ("IMG_007.jpg", [("IMG_007.jpg", None)]),  # no number has zeros before it
        ("_0.jpg", [("_0.jpg", None)]),
    ],
)
def test_a_numbered_crop_says_what_it_may_be_of(crop, sources):
    assert list(unnumbered(crop)) == sources


@pytest.mark.parametrize(
    ("crop", "name"),
    [
        (CropName("elk/a.jpg", 3, "4.1"), "elk/a.jpg___crop03_mdv4.1.jpg"),  # README, step 2
        (CropName("elk/a.jpg", 0), "elk/a.jpg___crop00.jpg"),  # drawn by hand
        (CropName("a.jpg", 120, "4.1"), "a.jpg___crop120_mdv4.1.jpg"),  # past two digits
        (CropName("a___crop01.jpg", 2), "a___crop01.jpg___crop02.jpg"),  # a crop of a crop
    ],
)
def test_crop_name_both_ways(crop, name):
    assert str(crop) == name
    assert CropName.parse(name) == crop


@given(st.text(min_size=1), st.integers(0, 999), st.sampled_from([None, "3", "4.1"]))
def test_crop_name_survives_any_image_name(image, box, detector):
    crop = CropName(image, box, detector)
    assert CropName.parse(str(crop)) == crop


def test_the_crop_names_of_2022_are_read():
    name = "elk/a.JPG___crop03_md_v5a.0.0.pt.jpg"
    assert CropName.parse(name) == CropName("elk/a.JPG", 3, "5a.0.0.pt")


@pytest.mark.parametrize("name", ["a.jpg", "a.jpg___crop1.jpg", "a___crop00.png", "___crop00.jpg"])
def test_what_is_no_crop_is_refused(name):
    with pytest.raises(ValueError, match="is not a crop name"):
        CropName.parse(name)
