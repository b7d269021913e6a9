"""Pillow's switches belong to the program that imports us, and to us in a command's process."""

import io
import subprocess
import sys
import threading
import warnings

import pytest
from PIL import Image, ImageFile

from database_tools import cli, imaging
from database_tools.imaging import pillow
from database_tools.work import executors


def encoded(size):
    content = io.BytesIO()
    Image.new("1", size).save(content, "PNG")
    return content.getvalue()


@pytest.fixture
def limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with warnings.catch_warnings():
        yield


def test_to_import_the_package_changes_nothing_of_anybody_elses():
    script = (
        "import warnings\n"
        "import numpy\n"
        "from PIL import Image, ImageFile\n"
        "def state():\n"
        "    return Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, warnings.filters[:]\n"
        "ImageFile.LOAD_TRUNCATED_IMAGES = True\n"
        "before = state()\n"
        "from database_tools import imaging\n"
        "from database_tools.crops import cutting\n"
        "from database_tools.datasets import classification_dataset\n"
        "try:\n"
        "    imaging.load(b'x')\n"
        "except imaging.UnreadableImage:\n"
        "    pass\n"
        "assert state() == before, state()\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_program_that_imports_us_keeps_pillows_lower_limit(limit):
    assert imaging.open_upright(encoded((10, 10))).size == (10, 10)
    with pytest.warns(Image.DecompressionBombWarning):
        imaging.open_upright(encoded((11, 10)))
    with pytest.raises(imaging.UnreadableImage, match="too large"):
        imaging.open_upright(encoded((21, 10)))


def test_a_command_has_its_own_limit_and_no_warnings(limit, recwarn):
    def work(args):
        assert imaging.open_upright(encoded((30, 30))).size == (30, 30)
        warnings.warn_explicit("a broken tag", UserWarning, "x.py", 1, module="PIL.TiffImagePlugin")

    assert cli.run(cli.Parser("x.py", "words"), work, []) == 0
    # Python may collect what an earlier test left open just now, and warn of that.
    of_pictures = (UserWarning, Image.DecompressionBombWarning)
    assert not [w for w in recwarn if issubclass(w.category, of_pictures)]


def test_so_have_its_workers():
    with executors.make(2, imaging.own_process) as executor:
        assert executor.submit(_limit).result() is None


def _limit():
    return Image.MAX_IMAGE_PIXELS


def test_truncated_files_are_refused_until_the_last_thread_has_done(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with pillow.strict():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait(10)
    with pillow.strict():
        assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert not ImageFile.LOAD_TRUNCATED_IMAGES  # the other is still at it
    leave.set()
    thread.join()
    assert ImageFile.LOAD_TRUNCATED_IMAGES
