"""Files are found in whatever Unicode form the disk has their names; case is only hinted at."""

import unicodedata

from database_tools.durable import spelling
from database_tools.durable.listing import Folders

NFC, NFD = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))


def test_a_file_is_looked_for_in_every_spelling_of_its_folder(tmp_path):
    (tmp_path / NFC).mkdir()
    (tmp_path / NFD).mkdir()
    (tmp_path / NFD / "a.jpg").write_bytes(b"a picture")
    assert spelling.locate(tmp_path / NFC / "a.jpg") == tmp_path / NFD / "a.jpg"
    assert spelling.locate(tmp_path / NFC / "b.jpg") == tmp_path / NFC / "b.jpg"


def test_a_name_that_differs_in_case_only_is_told(tmp_path):
    (tmp_path / "Elk" / NFD).mkdir(parents=True)
    (tmp_path / "Elk" / NFD / "A.JPG").touch()
    assert spelling.other_case(tmp_path, f"elk/{NFC}/a.jpg") == f"Elk/{NFD}/A.JPG"
    assert spelling.other_case(tmp_path, f"Elk/{NFD}/A.JPG") is None
    assert spelling.other_case(tmp_path, "elk/b.jpg") is None
    assert spelling.other_case(tmp_path / "no", "a.jpg") is None


def test_two_spellings_of_one_file_are_one_and_two_files_are_two(tmp_path):
    (tmp_path / NFC).touch()
    assert spelling.same_file(tmp_path / NFC, tmp_path / NFD)
    (tmp_path / NFD).touch()
    assert not spelling.same_file(tmp_path / NFC, tmp_path / NFD)
    assert not spelling.same_file(tmp_path / "a", tmp_path / "a")  # there is none


def test_a_listing_knows_its_files_in_any_form(tmp_path):
    (tmp_path / NFD).mkdir()
    (tmp_path / NFD / f"{NFC}.jpg").touch()
    there = Folders(tmp_path)
    assert f"{NFC}/{NFC}.jpg" in there
    assert f"{NFD}/{NFD}.jpg" in there
    assert f"{NFC}/{NFC}.png" not in there
