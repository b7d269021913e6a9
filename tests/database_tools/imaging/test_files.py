"""What lies where a picture should be is read, or has a reason; nothing makes a build wait."""

import os
import socket
import stat
import unicodedata
from pathlib import Path

import pytest

from database_tools import imaging

NFC, NFD = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))


def reason(path, **options):
    with pytest.raises(imaging.UnreadableImage) as caught:
        imaging.read(path, **options)
    return caught.value.reason


@pytest.mark.parametrize("kind", ["folder", "pipe", "socket", "device"])
def test_what_is_no_file_is_no_image(tmp_path, kind):
    path = tmp_path / "x.jpg"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")  # without end
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
    assert reason(path) == "not an image"


def test_a_pipe_that_takes_the_files_place_is_not_waited_for(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "x.jpg")
    monkeypatch.setattr(stat, "S_ISREG", lambda mode: True)  # it was a file when looked at
    assert reason(tmp_path / "x.jpg") == "empty"


def test_what_cannot_be_read_has_a_reason(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    assert reason(tmp_path / "a.jpg") == "empty"
    assert reason(tmp_path / "no.jpg") == reason(tmp_path / "a.jpg/b.jpg") == "missing"
    assert reason(tmp_path / "loop.jpg") == "unreadable"
    assert reason(tmp_path / ("a" * 300)) == "unreadable"
    assert reason(tmp_path / "half\ud800.jpg") == reason(f"{tmp_path}/nul\0.jpg") == "unreadable"


def test_a_file_of_many_bytes_for_each_pixel_is_not_read_into_memory(tmp_path):
    with (tmp_path / "a.jpg").open("wb") as file:
        file.truncate(2**40)  # a hole
    assert reason(tmp_path / "a.jpg") == "too large"


def test_names_without_text_are_opened_by_their_bytes(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg")).write_bytes(b"a picture")
    assert imaging.read(tmp_path / "caf\udce9.jpg") == b"a picture"


@pytest.mark.parametrize("there", [f"{NFC}/{NFC}.jpg", f"{NFD}/{NFD}.jpg", f"{NFD}/{NFC}.jpg"])
@pytest.mark.parametrize("asked", [f"{NFC}/{NFC}.jpg", f"{NFD}/{NFD}.jpg", f"{NFC}/{NFD}.jpg"])
def test_a_file_is_found_in_any_unicode_form_of_its_name(tmp_path, monkeypatch, there, asked):
    path = tmp_path / there
    path.parent.mkdir()
    path.write_bytes(b"a picture")
    assert imaging.read(tmp_path / asked) == b"a picture"
    monkeypatch.chdir(tmp_path)
    assert imaging.read(asked) == b"a picture"


def test_of_two_forms_the_one_that_is_written_is_opened(tmp_path):
    (tmp_path / f"{NFC}.jpg").write_bytes(b"nfc")
    (tmp_path / f"{NFD}.jpg").write_bytes(b"nfd")
    assert imaging.read(tmp_path / f"{NFD}.jpg") == b"nfd"
