"""cache_batchapi_outputs: files of detections together in one for each dataset."""

import json

import pytest

from database_tools import cache_batchapi_outputs
from database_tools.detections import batch_tasks
from database_tools.detectors import precomputed


def box(conf, category="1"):
    return {"category": category, "conf": conf, "bbox": [0.1, 0.7, 0.5, 0.25]}


class World:
    def __init__(self, root):
        self.root, self.cache = root, root / "mdcache"

    def add(self, images, *flags, detector="md_v4.1.0.pb", categories=None, dataset="ds"):
        path = self.root / "detections.json"
        if isinstance(images, dict):
            images = [
                {"file": file, "detections": [box(x)]}
                if isinstance(x, float)
                else x | {"file": file}
                for file, x in images.items()
            ]
        table = {
            "images": images,
            "detection_categories": categories or {"1": "animal", "2": "person"},
            "info": {"format_version": "1.0"} | ({"detector": detector} if detector else {}),
        }
        path.write_text(json.dumps(table))
        return self.run(path, "--dataset", dataset, *flags)

    def run(self, path, *flags):
        words = [path, "--detector-output-cache-dir", self.cache, *flags]
        return cache_batchapi_outputs.main([str(word) for word in words])

    def read(self, name="v4.1/ds.json"):
        return json.loads((self.cache / name).read_text())


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_the_worked_example_of_a_merge(world, capsys):
    assert world.add({"z.jpg": 0.1, "a.jpg": 0.2}, "-v", "4.1") == 0
    assert world.add({"a.jpg": 0.9, "m.jpg": 0.3}, "-v", "4.1") == 0
    said = "Warning: found 1 redundant images (out of 4 total) during merge"
    assert said in capsys.readouterr().err
    table = world.read()
    confs = [(image["file"], image["detections"][0]["conf"]) for image in table["images"]]
    assert confs == [("a.jpg", 0.9), ("m.jpg", 0.3), ("z.jpg", 0.1)]
    assert table["info"] == {"format_version": "1.6", "detector": "md_v4.1.0.pb"}


def test_the_same_again_changes_no_byte_and_two_spellings_are_one_picture(world):
    path = world.cache / "v4.1" / "ds.json"
    images = {"\u00e9.jpg": 0.1, "a.jpg": {"detections": None}}
    world.add(images, "-v", "4.1")
    content = path.read_bytes()
    world.add(images, "-v", "4.1")
    assert path.read_bytes() == content
    world.add({"e\u0301.jpg": 0.1}, "-v", "4.1")  # as a Mac writes it
    assert len(world.read()["images"]) == 2


def test_a_failure_never_takes_the_place_of_a_result(world):
    world.add({"a.jpg": 0.5, "b.jpg": {"failure": "image access failure"}})
    world.add({"a.jpg": {"failure": "image access failure"}, "b.jpg": 0.6})
    confs = [image["detections"][0]["conf"] for image in world.read("v4.1.0/ds.json")["images"]]
    assert confs == [0.5, 0.6]


def test_categories_of_the_same_name_get_one_id(world):
    old = {"1": "animal", "2": "person", "4": "vehicle"}
    world.add({"a.jpg": {"detections": [box(0.9, "4")]}}, categories=old)
    later = {"detections": [box(0.9, "3"), box(0.8, "2"), box(0.7, "4")]}
    world.add({"b.jpg": later}, categories={"2": "animal", "3": "vehicle", "1": "person"})
    table = world.read("v4.1.0/ds.json")
    names = table["detection_categories"]
    [a], [vehicle, animal, unknown] = (image["detections"] for image in table["images"])
    found = [names.get(b["category"]) for b in (a, vehicle, animal, unknown)]
    assert found == ["vehicle", "vehicle", "animal", None]


def test_predictions_of_speciesnet_are_cached_and_read_as_any_other(world, tmp_path):
    path = tmp_path / "predictions.json"
    entry = {"filepath": "a.jpg", "detections": [{**box(0.9), "label": "animal"}]}
    path.write_text(json.dumps({"predictions": [entry]}))
    assert world.run(path, "-d", "ds") == 2  # it says no version
    assert world.run(path, "-d", "ds", "-v", "5a") == 0
    found = precomputed.read(world.cache / "v5a" / "ds.json").find("", "a.jpg")
    assert found.categories == ("1",)


@pytest.mark.parametrize(
    ("images", "flags", "said"),
    [
        ({"a.jpg": 0.1}, ("-v", "5"), "version 4.1.0, but --detector-version says 5"),
        ({"/mnt/a.jpg": 0.1}, (), "is no relative name; run the detector with"),
        ({"../a.jpg": 0.1}, (), "is no relative name"),
        ({"a.jpg": 90.0}, (), "looks like percent"),
        (
            {"a.jpg": 0.1, "./a.jpg": 0.2},
            (),
            r"images[0] is the same picture, but its boxes differ",
        ),
        ({"a.jpg": 0.1}, ("--format", "response"), "--format response, but it is a file of det"),
        ({"a.jpg": 0.1}, ("-d", "a/b"), "cannot be the name of a file"),
    ],
)
def test_what_cannot_be_cached_is_one_line_and_nothing_changes(world, capsys, images, flags, said):
    world.add({"b.jpg": 0.5})
    before = (world.cache / "v4.1.0" / "ds.json").read_bytes()
    assert world.add(images, *flags) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert said in error
    assert (world.cache / "v4.1.0" / "ds.json").read_bytes() == before


def test_a_cache_of_another_detector_is_not_merged(world, capsys):
    world.add({"a.jpg": 0.5}, detector="md_v7.pb")
    path = world.cache / "v7" / "ds.json"
    path.write_text(path.read_text().replace("md_v7.pb", "md_v4.pb"))
    assert world.add({"b.jpg": 0.5}, detector="md_v7.pb") == 2
    assert "the detector is 'md_v4.pb'" in capsys.readouterr().err


def test_a_response_whose_detections_are_not_to_be_had_says_no_secret(world, capsys, monkeypatch):
    monkeypatch.setattr(batch_tasks, "_sleep", lambda _: None)
    path = world.root / "response.json"
    url = "http://127.0.0.1:9/c/detections.json?sig=SECRET"
    message = {"output_file_urls": {"detections": url}}
    path.write_text(json.dumps({"Status": {"request_status": "completed", "message": message}}))
    assert world.run(path, "-d", "ds", "-v", "4.1") == 2
    error = capsys.readouterr().err
    assert "gives no answer after 6 tries" in error
    assert "SECRET" not in error
