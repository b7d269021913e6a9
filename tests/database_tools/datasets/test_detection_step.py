"""What a build makes of its detections, mostly of a file; with a detector: test_with_detector."""

import json

import pytest

from database_tools import make_classification_dataset
from database_tools.datasets import classification_dataset

ALL_IN_TRAIN = ("--test_fraction", 0)


def last(capsys):
    return capsys.readouterr().err.strip().splitlines()[-1]


def run_with(world, change, *flags, name="out"):
    """Run on the world's detection file, changed; return (status, folder of the crops)."""
    words = world.words(*ALL_IN_TRAIN, *flags, name=name)
    path = world.folder / "md.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    change(table)
    path.write_text(json.dumps(table), encoding="utf-8")
    return make_classification_dataset.main(words), world.folder / name / "c"


def dropped(folder):
    path = folder / "make_classification_dataset_ledger.json"
    return json.loads(path.read_text(encoding="utf-8"))["dropped"]


FAILURES = {
    "A/i000.jpg": "Failure image access",  # of another tool
    "A/i001.jpg": "image access failure: truncated",  # ours
    "A/i002.jpg": "inference failure",
}


def test_failures_of_a_file_are_in_the_final_one_and_a_rebuild_has_the_same_ledger(world):
    def fail(table):
        for image in table["images"]:
            if why := FAILURES.get(image["file"]):
                image |= {"failure": why, "detections": None}
        table["images"][4]["detections"][0]["conf"] = float("nan")
        table["images"][5]["detections"][0]["bbox"] = [1e308, 0, 1e308, 0.5]
        del table["images"][6]

    status, first = run_with(world.fill(10, "A"), fail)
    assert status == 0
    assert dropped(first) == {
        "failure in the detection file": ["A/i000.jpg"],
        "truncated": ["A/i001.jpg"],
        "inference failure": ["A/i002.jpg"],
        "detections that are not finite numbers": ["A/i004.jpg", "A/i005.jpg"],
        "not in the detection file": ["A/i006.jpg"],
    }
    final = json.loads((first / "detections_final.json").read_text(encoding="utf-8"))
    assert {i["file"]: i["failure"] for i in final["images"] if "failure" in i} == {
        **FAILURES,
        "A/i004.jpg": "detections that are not finite numbers",
        "A/i005.jpg": "detections that are not finite numbers",
    }
    words = world.words(*ALL_IN_TRAIN, name="again", detections=False)
    words += ["--use_detection_file", str(first / "detections_final.json")]
    assert make_classification_dataset.main(words) == 0
    again = world.folder / "again" / "c"
    assert dropped(again) == dropped(first)
    for name in ("detections_final.json", "detections_final.pkl", "train.json"):
        assert (again / name).read_bytes() == (first / name).read_bytes(), name


@pytest.mark.parametrize(
    ("change", "guess"),
    [
        ({"conf": 90}, "it looks like percent"),
        ({"bbox": [12, 30, 400, 300]}, "it looks like pixels"),
    ],
)
def test_a_file_in_other_units_stops_the_run_before_anything_is_written(
    world, capsys, change, guess
):
    def spoil(table):
        table["images"][3]["detections"][0] |= change

    status, folder = run_with(world.fill(6, "A"), spoil)
    assert status == 2
    line = last(capsys)
    assert 'md.json: images[3] ("A/i003.jpg"): ' in line
    assert line.endswith(guess)
    assert not (folder / "train.json").exists()


def test_the_reason_is_what_the_detector_found_and_the_summary_says_what_would_help(world, capsys):
    box = (0.2, 0.2, 0.4, 0.4)
    boxes = {
        "sure": [(*box, 0.9)],
        "less": [(*box, 0.3)],
        "two less": [(*box, 0.3), (0.6, 0.6, 0.2, 0.2, 0.25)],  # several, at .2 too
        "person": [(*box, 0.9, "2")],
        "both": [(*box, 0.9, "2"), (0.6, 0.6, 0.2, 0.2, 0.21)],
        "unsure": [(*box, 0.01)],
        "not kept": [(*box, 0.004)],  # no detection file has it, so a rebuild cannot know it
        "none": [],
    }
    for name, found in boxes.items():
        world.picture(world.add(name, boxes=found))
    built = world.run(*ALL_IN_TRAIN)
    assert built.dropped() == {
        "only below the threshold": ["A/less.jpg", "A/two less.jpg", "A/unsure.jpg"],
        "people or other categories only": ["A/both.jpg", "A/person.jpg"],
        "nothing detected": ["A/none.jpg", "A/not kept.jpg"],
    }
    said = capsys.readouterr().err
    assert "2 of these would pass with --detection_threshold 0.2" in said  # less and both
    world.run(*ALL_IN_TRAIN, "--detection_threshold", 0.2, name="lower")
    assert "would pass" not in capsys.readouterr().err


def move(table):
    for image in table["images"]:
        image["file"] = f"D:\\CamData\\{image['file']}"


def test_a_file_of_another_machine_says_which_prefix_to_strip_and_works_with_it(world, capsys):
    status, folder = run_with(world.fill(6, "A"), move)
    assert status == 2
    line = last(capsys)
    assert line.endswith("Use --strip_prefix D:/CamData/?")
    assert not (folder / "train.json").exists()
    for prefix in ("D:/CamData/", "D:\\CamData"):
        status, folder = run_with(world, move, "--strip_prefix", prefix, name=f"p{len(prefix)}")
        assert status == 0
        assert dropped(folder) == {}


def test_a_prefix_without_a_detection_file_is_refused(world, capsys):
    (world.folder / "any.pb").touch()
    world.fill(4)
    options = {"detector": world.folder / "any.pb", "detections": False}
    assert world.run("--strip_prefix", "x", **options).status == 2
    assert "--strip_prefix is for the names in a --use_detection_file" in last(capsys)


@pytest.mark.parametrize("folder", ["out/c", "out/c/store", "out/t/deep/store"])
def test_a_store_among_the_crops_is_refused(world, capsys, folder):
    flags = ("--detection_store", world.folder / folder)
    assert world.fill(4).run(*ALL_IN_TRAIN, *flags).status == 2
    assert "which is for the crops" in last(capsys)
    flags = ("--detection_store", world.folder / "out/c/.build/store")
    assert world.run(*ALL_IN_TRAIN, *flags).status == 0


def test_names_in_another_unicode_form_are_found_and_those_in_another_case_hinted_at(world, capsys):
    for number, name in (("a", "A/cafe\u0301.jpg"), ("b", "A/B.jpg")):
        world.picture(world.add(number, file=name))

    def respell(table):
        table["images"][0]["file"] = "A/caf\u00e9.jpg"
        table["images"][1]["file"] = "A/b.jpg"

    status, folder = run_with(world, respell)
    assert status == 0
    assert dropped(folder) == {"not in the detection file": ["A/B.jpg"]}
    assert "md.json: has 'A/b.jpg', but not 'A/B.jpg': case matters" in capsys.readouterr().err


def test_what_was_found_is_on_disk_before_cropping_begins(world, monkeypatch):
    class CrashError(Exception):
        pass

    def crash(*_):
        raise CrashError

    whole = world.fill(6, "A").run(*ALL_IN_TRAIN, name="whole")
    monkeypatch.setattr(classification_dataset.cutting, "cut_all", crash)
    with pytest.raises(CrashError):
        make_classification_dataset.main(world.words(*ALL_IN_TRAIN, name="killed"))
    for name in ("detections_final.json", "detections_final.pkl"):
        killed = world.folder / "killed" / "c" / name
        assert killed.read_bytes() == (whole.coco / name).read_bytes()


@pytest.mark.parametrize("info", [None, {}, {"detector": "megadetector_v6"}])
def test_a_file_of_another_tool_whose_animal_is_0_gives_the_same_crops(world, info):
    whole = world.fill(6, "A").run(*ALL_IN_TRAIN, name="whole")

    def renumber(table):
        table["info"] = info
        table["detection_categories"] = {"0": "animal", "1": "person", "2": "vehicle"}
        for image in table["images"]:
            image["detections"].append({"category": "1", "conf": 0.8, "bbox": [0, 0, 0.1, 0.1]})
            image["detections"][0] |= {"category": "0", "classifications": []}

    status, folder = run_with(world, renumber)
    assert status == 0
    assert (folder / "train.json").read_bytes() == (whole.coco / "train.json").read_bytes()
