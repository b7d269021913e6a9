import io
import json

import numpy as np
import pytest
from PIL import Image, ImageFile

from database_tools import analyze_failed_images
from database_tools.core.ledger import Ledger
from database_tools.formats import ledger_json
from database_tools.stores import Folder, conditions


def encoded(kind):
    content = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


JPEG, PNG = encoded("JPEG"), encoded("PNG")
PICTURES = {
    "ds/good.jpg": (JPEG, "good"),
    "ds/good.PNG": (PNG, "good"),
    "ds/cut off.jpg": (JPEG[:-800], "truncated"),
    "ds/cut off.png": (PNG[:-800], "truncated"),
    "ds/noise.jpg": (b"\xff\xd8\xff" + bytes(range(200)), "bad"),
    "ds/empty.gif": (b"", "bad"),
    "ds/notes.txt": (b"x", "non_image"),
    "ds/clip.mp4": (JPEG, "non_image"),
    "ds/gone.jpg": (None, "nonexistant"),
    "../out.jpg": (None, "nonexistant"),
}


@pytest.fixture
def images(tmp_path):
    (tmp_path / "images" / "ds").mkdir(parents=True)
    for name, (content, _) in PICTURES.items():
        if content is not None:
            (tmp_path / "images" / name).write_bytes(content)
    return tmp_path / "images"


@pytest.mark.parametrize("name", PICTURES)
def test_condition_of_a_picture(images, name):
    assert conditions.of(Folder(images), name) == PICTURES[name][1]


@pytest.mark.parametrize("name", [n for n, (_, c) in PICTURES.items() if c in ("truncated", "bad")])
def test_truncated_is_what_pillow_opens_when_told_to_and_bad_is_not(images, name, monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    try:
        with Image.open(images / name) as picture:
            picture.load()
        opens = True
    except Exception:
        opens = False
    assert opens == (PICTURES[name][1] == "truncated")


@pytest.mark.parametrize("switch", [False, True])
def test_looking_leaves_pillows_switch_alone(images, monkeypatch, switch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", switch)
    found = dict(conditions.of_all(Folder(images), list(PICTURES) * 5, 8))
    assert found == {name: condition for name, (_, condition) in PICTURES.items()}
    assert ImageFile.LOAD_TRUNCATED_IMAGES is switch


EXPECTED = """good: 0
[]
nonexistant: 1
['ds/gone.jpg']
non_image: 0
[]
truncated: 1
['ds/cut off.jpg']
bad: 0
[]
"""


def log(path):
    lists = {"images_missing_detections": ["ds/gone.jpg"], "num_new_crops": 3}
    path.write_text(json.dumps(lists | {"images_failed_download_or_crop": ["ds/cut off.jpg"]}))


def text(path):
    path.write_bytes(b"ds/gone.jpg\r\nds/cut off.jpg\n\n")


def names(path):
    path.write_text(json.dumps(["ds/gone.jpg", "ds/cut off.jpg"]))


def ledger(path):
    dropped = {
        "missing": ["ds/gone.jpg"],
        "nothing detected": ["ds/good.jpg"],
        "truncated": ["ds/cut off.jpg"],
    }
    ledger_json.write(path.parent, Ledger("x", 4, 1, dropped)).rename(path)


@pytest.mark.parametrize(
    ("write", "name"),
    [(log, "log.json"), (text, "failed.txt"), (names, "list.json"), (ledger, "x_ledger.json")],
)
def test_every_kind_of_list_is_read(images, tmp_path, capsys, write, name):
    path = tmp_path / name
    write(path)
    assert analyze_failed_images.main([str(path), "--images-dir", str(images)]) == 0
    assert capsys.readouterr().out == EXPECTED


def test_pictures_and_their_list_may_be_in_a_container(azurite, monkeypatch, capsys):
    monkeypatch.setenv("AZURE_BLOB_ENDPOINT", azurite.endpoint)
    there = {name: content for name, (content, _) in PICTURES.items() if content is not None}
    names = "\n".join(PICTURES).encode()
    azurite.fill("failed", {**there, "logs/failed #1.txt": names})
    log = azurite.url("failed").replace("?", "/logs/failed%20%231.txt?")
    words = ["-a", azurite.account, "-c", "failed", "-s", f"?{azurite.sas('failed')}"]
    assert analyze_failed_images.main([log, *words, "--threads", "4"]) == 0
    said = capsys.readouterr()
    for condition in conditions.ALL:
        its = sorted(name for name, (_, found) in PICTURES.items() if found == condition)
        assert f"{condition}: {len(its)}\n" in said.out
        assert all(repr(name) in said.out for name in its)
    assert azurite.sas("failed")[-20:] not in said.out + said.err


def test_keys_choose_lists_or_reasons(images, tmp_path, capsys):
    path = tmp_path / "x_ledger.json"
    ledger(path)
    words = [str(path), "-i", str(images), "-k", "nothing detected"]
    assert analyze_failed_images.main(words) == 0
    assert "good: 1\n['ds/good.jpg']" in capsys.readouterr().out
    assert analyze_failed_images.main([str(path), "-k", "other"]) == 2
    assert "no list 'other'; there are 'missing', 'nothing" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["https://x/log.json?sig=SECRET"], "expected https://ACCOUNT"),
        (["images.json", "-k", "b", "-s", "SECRET"], "no list 'b'"),
        (["names.txt", "-s", "SECRET"], "--account and --container belong together"),
        (["names.txt", "-a", "x", "-c", "pictures", "-s", "SECRET"], "is no SAS"),
        (["no.json"], "no such file"),
        (["images.json"], "expected names of pictures, got 1"),
    ],
)
def test_what_cannot_be_read_is_one_line_without_secrets(
    tmp_path, monkeypatch, capsys, words, said
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images.json").write_text('{"a": ["x", 1]}')
    (tmp_path / "names.txt").write_text("a.jpg")
    assert analyze_failed_images.main(words) == 2
    error = capsys.readouterr().err
    assert said in error
    assert "SECRET" not in error
