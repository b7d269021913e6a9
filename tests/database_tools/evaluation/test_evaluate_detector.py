"""Ten cameras, each with three elk, a deer, two empty pictures and a person, judged by hand."""

import csv
import json

import numpy as np
import pytest

from database_tools import evaluate_detector, import_labels
from database_tools.formats import isotonic_npz, ledger_json

CATEGORIES = [{"id": i, "name": n} for i, n in enumerate(["empty", "elk", "Deer", "human", "=fox"])]
ELK, DEER, EMPTY, HUMAN = 1, 2, 0, 3
# kind of the picture and the boxes of it, (category, conf)
CAMERA = [
    (ELK, [("1", 0.9), ("1", 0.2)]),
    (ELK, [("1", 0.9)]),
    (ELK, [("1", 0.9), ("2", 0.99)]),
    (DEER, [("1", 0.3)]),
    (EMPTY, [("1", 0.2)]),
    (EMPTY, []),
    (HUMAN, [("2", 0.8), ("1", 0.7)]),
]


def box(category, conf, bbox=(0.1, 0.1, 0.5, 0.5)):
    return {"category": category, "conf": conf, "bbox": list(bbox)}


def tables(cameras=10, **extra):
    images, notes, found = [], [], []
    for camera in range(cameras):
        for i, (kind, boxes) in enumerate(CAMERA):
            name = f"cam{camera}/{i}.jpg"
            images.append({"id": name, "file_name": name, "location": camera, **extra})
            notes.append({"id": name, "image_id": name, "category_id": kind})
            found.append({"file": name, "detections": [box(*b) for b in boxes]})
    labels = {"categories": CATEGORIES, "images": images, "annotations": notes}
    header = {"info": {"detector": "md_v4.1.0.pb", "format_version": "1.6"}}
    names = {"1": "animal", "2": "person", "3": "vehicle"}
    return labels, {**header, "detection_categories": names, "images": found}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(labels, detections):
    for name, table in (("labels", labels), ("detections", detections)):
        with open(f"{name}.json", "w", encoding="utf-8") as file:  # noqa: PTH123
            json.dump(table, file)


def run(*words, source=("labels.json",)):
    command = ["detections.json", *source, "--empty_labels", "empty", "--person_labels", "human"]
    return evaluate_detector.main([*command, *map(str, words)])


def read(here, name="evaluation.json"):
    path = here / "detector_evaluation" / name
    if name.endswith(".csv"):
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    return json.loads(path.read_text())


def test_the_highest_threshold_that_keeps_the_share_is_proposed(here, capsys):
    write(*tables())
    assert run("--keep", 0.9) == 0
    found = read(here)
    # at 0.30 all 40 are kept, at 0.31 the 30 elk
    assert found["threshold"] == 0.3
    # no spread; 40 pictures are worth 40 / (1.3830 / 1.2816)² = 34.35: .1 ** (1 / 34.35)
    assert found["kept_at_least"] == pytest.approx(0.1 ** (1 / 34.35), abs=1e-3)
    assert (found["animal_pictures"], found["empty_pictures"]) == (40, 20)
    assert found["pictures_of_people"] == 10
    rows = {row["threshold"]: row for row in read(here, "thresholds.csv")}
    assert min(rows) == "0.2"  # the file's lowest confidence
    assert (rows["0.2"]["animals_kept"], rows["0.2"]["empty_removed"]) == ("1", "0.5")
    assert (rows["0.3"]["animals_kept"], rows["0.3"]["empty_removed"]) == ("1", "1")
    assert rows["0.31"]["animals_kept"] == "0.75"
    assert rows["0.91"]["animals_kept"] == "0"
    assert rows["0.31"]["kept_low"] == ""  # every camera says the same
    page = (here / "detector_evaluation" / "report.html").read_text()
    assert "Threshold 0.30 keeps 100.0% of the animal pictures here" in page
    assert "removes 100.0% of the empty ones" in page


def test_the_share_that_nobody_can_promise_proposes_nothing(here, capsys):
    write(*tables())
    assert run("--keep", 0.99) == 0
    assert read(here)["threshold"] is None
    assert "the lowest, 0.20, keeps 100.0% here" in capsys.readouterr().err
    write(*tables(cameras=7))
    assert run() == 0
    assert "7 locations with animals do not tell" in capsys.readouterr().err


def test_labels_and_locations_have_rows_of_their_own(here):
    labels, detections = tables()
    labels["annotations"][0]["category_id"] = 4
    detections["images"][1]["detections"] = []  # cam0 loses one of three elk
    write(labels, detections)
    assert run() == 0
    by_label = {(r["label"], r["threshold"]): r for r in read(here, "by_label.csv")}
    assert by_label["Deer", "0.31"]["kept"] == "0"
    assert by_label["elk", "0.31"]["kept"] == f"{28 / 29:.4f}"
    assert by_label["elk", "0.31"]["pictures"] == "29"
    assert float(by_label["elk", "0.31"]["kept_low"]) < 28 / 29  # cameras differ now
    assert by_label["'=fox", "0.9"]["kept"] == "1"  # no formula
    by_place = {(r["location"], r["threshold"]): r for r in read(here, "by_location.csv")}
    assert by_place["0", "0.3"]["kept"] == "0.75"
    assert by_place["1", "0.3"]["kept"] == "1"
    assert by_place["1", "0.2"]["removed"] == "0.5"


def test_pictures_that_cannot_be_judged_are_in_the_ledger(here):
    labels, detections = tables()
    labels["annotations"] = labels["annotations"][:-1]
    labels["images"][1]["location"] = " "
    notes = labels["annotations"]
    notes.append({"id": "x", "image_id": "cam0/4.jpg", "category_id": ELK})
    detections["images"][2] = {"file": "cam0/2.jpg", "failure": "truncated", "detections": None}
    del detections["images"][0]
    write(labels, detections)
    assert run() == 0
    ledger = ledger_json.read(here / "detector_evaluation" / "evaluate_detector_ledger.json")
    assert (ledger.total, ledger.kept) == (70, 65)
    assert {reason: list(names) for reason, names in ledger.dropped.items()} == {
        "failure in the detection file": ["cam0/2.jpg"],
        "no annotation": ["cam9/6.jpg"],
        "no location": ["cam0/1.jpg"],
        "not in the detection file": ["cam0/0.jpg"],
        "several categories": ["cam0/4.jpg"],  # empty and an elk
    }


def test_drawn_boxes_are_judged_by_coco(here):
    pytest.importorskip("pycocotools")
    labels, detections = tables(width=200, height=100)
    for note in labels["annotations"]:
        if note["category_id"] in (ELK, DEER):
            note["bbox"] = [20, 10, 100, 50]  # as the detector's, in pixels
    write(labels, detections)
    assert run() == 0
    found = read(here)["boxes"]
    # The elk's boxes of 0.9 and the deer's are right, all surer than the others.
    assert found["AP50"] == pytest.approx(1.0)
    assert found["AR100"] == pytest.approx(1.0)
    for note in labels["annotations"]:
        note["bbox"] = [0, 0, 20, 10]  # elsewhere
    write(labels, detections)
    assert run() == 0
    assert read(here)["boxes"]["AP50"] == 0


def test_the_isotonic_curve_is_what_a_training_reads(here):
    write(*tables())
    assert run("--isotonic_output", "curve.npz") == 0
    curve = isotonic_npz.read(here / "curve.npz")
    # at 0.2 one box of two is in an animal's picture, above all are; people do not count
    found = curve.calibrate(np.array([0.0, 0.2, 0.3, 0.9, 1.0]))
    assert found.tolist() == pytest.approx([0.5, 0.5, 1, 1, 1])


def test_a_label_database_does_as_well(here):
    write(*tables())
    assert import_labels.main(["labels.db", "labels.json", "--dataset", "caltech"]) == 0
    assert run("--keep", 0.9, source=("--db", "labels.db", "--dataset", "caltech")) == 0
    by_dataset = read(here)
    assert (by_dataset["threshold"], by_dataset["pictures_of_people"]) == (0.3, 10)
    assert run(source=("--db", "labels.db")) == 2  # names are caltech/cam0/0.jpg then
    assert run(source=("--db", "labels.db", "--dataset", "other")) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--keep", "1"], "--keep must be above 0 and below 1, got 1.0"),
        (["--db", "labels.db"], "give either LABELS.json or --db"),
        (["--dataset", "caltech"], "--dataset is for --db"),
        (["--output_dir", "labels.json"], "labels.json: is a file, expected a folder"),
        (["--person_labels", "EMPTY"], "'empty' is in both"),
        (["--detection_category", "elk"], "no detection category 'elk'"),
        (["--strip_prefix", "/data"], "no name in detections.json begins with it"),
        (["--empty_labels", "empty", "elk", "deer", "=fox"], "no picture with an animal"),
    ],
)
def test_impossible_requests_are_one_line(here, capsys, words, said):
    write(*tables())
    assert run(*words) == 2
    error = capsys.readouterr().err.strip().splitlines()[-1]
    assert error.startswith("evaluate_detector.py: error:")
    assert said in error
