"""create_classification_dataset: from queried pictures to the three files of a dataset."""

from __future__ import annotations

import csv
import json

import pytest

from database_tools import create_classification_dataset
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.taxa import Taxon
from database_tools.formats import (
    crops_info,
    dataset_info,
    label_index,
    label_taxa,
    ledger_json,
    splits_json,
)
from database_tools.formats.crops_info import CropsInfo


def box(conf, category="1"):
    return {"category": category, "conf": conf, "bbox": [0.1, 0.1, 0.2, 0.2]}


def entry(dataset, location, label, original="elk", **more):
    labels = [label] if isinstance(label, str) else label
    return {"dataset": dataset, "location": location, "class": original, "label": labels, **more}


class World:
    """The folders of the README's step 4, small enough to count by hand."""

    def __init__(self, root):
        self.root, self.out = root, root / "log"
        self.crops, self.cache = root / "crops", root / "cache" / "v4.1"
        self.queried, self.detections = {}, {}
        for folder in (self.out, self.crops, self.cache):
            folder.mkdir(parents=True)

    def picture(self, name, table, boxes=None, crops=()):
        self.queried[name] = {k: v for k, v in table.items() if v is not None}
        dataset, _, file = name.partition("/")
        if boxes is not None:
            found = {"detections": boxes} if isinstance(boxes, list) else {"failure": boxes}
            self.detections.setdefault(dataset, []).append({"file": file, **found})
        for crop in crops:
            mark = (
                f"___crop{crop:02d}_mdv4.1.jpg" if boxes is not None else f"___crop{crop:02d}.jpg"
            )
            path = self.crops / f"{name}{mark}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")

    def run(self, *flags, mode=("csv",)):
        (self.out / "queried_images.json").write_text(json.dumps(self.queried))
        for dataset, images in self.detections.items():
            table = {
                "info": {"format_version": "1.0", "detector": "md_v4.1"},
                "detection_categories": {"1": "animal", "2": "person"},
                "images": images,
            }
            (self.cache / f"{dataset}.json").write_text(json.dumps(table))
        words = [self.out, "--mode", *mode, *flags]
        if "csv" in mode:
            words += ["-q", self.out / "queried_images.json", "-c", self.crops]
            words += ["-d", self.cache.parent, "-v", "4.1"]
        return create_classification_dataset.main([str(word) for word in words])

    @property
    def rows(self):
        with (self.out / "classification_ds.csv").open(newline="") as file:
            return list(csv.DictReader(file))

    @property
    def paths(self):
        return [row["path"] for row in self.rows]

    @property
    def ledger(self):
        stage = "create_classification_dataset"
        return ledger_json.read(ledger_json.path_in(self.out, stage))


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


@pytest.fixture
def example(world):
    """The worked example, with one picture for each reason to have no row."""
    animal = {"category": "animal", "bbox": [0, 0, 0.5, 0.5]}
    world.picture(
        "dsA/a/1.jpg", entry("dsA", 1, "canid"), [box(0.95), box(0.5), box(0.81)], [0, 1, 2]
    )
    world.picture("dsA/a/2.jpg", entry("dsA", 1, "felid"), [box(0.99, "2"), box(0.9)], [0, 1])
    world.picture("dsA/a/3.jpg", entry("dsA", "013", "felid"), [box(0.8)], [0])
    world.picture("dsA/a/4.jpg", entry("dsA", 1, "felid"), [box(0.79)], [0])
    world.picture("dsA/a/5.jpg", entry("dsA", 1, "felid"), [], [])
    world.picture("dsA/a/6.jpg", entry("dsA", 1, ["canid", "felid"]), [box(1)], [0])
    world.picture("dsA/a/7.png", entry("dsA", None, "other", "bird", bbox=[animal]), None, [0])
    world.picture("dsA/a/8.jpg", entry("dsA", 1, "felid"), [box(0.9)], [])
    world.picture("dsA/a/9.jpg", entry("dsA", 1, "felid"))
    world.picture("dsB/x.jpg", entry("dsB", 1, "felid"), "Failure image access")
    world.picture("dsB/y.jpg", entry("dsB", 1, "felid"), [box(0.9, "2")])
    world.picture("dsC/x.jpg", entry("dsC", 1, "felid"))
    return world


def test_the_worked_example(example):
    assert example.run("--threshold", "0.8") == 0
    assert example.paths == [
        "dsA/a/1.jpg___crop00_mdv4.1.jpg",
        "dsA/a/1.jpg___crop02_mdv4.1.jpg",
        "dsA/a/2.jpg___crop01_mdv4.1.jpg",
        "dsA/a/3.jpg___crop00_mdv4.1.jpg",
        "dsA/a/6.jpg___crop00_mdv4.1.jpg",
        "dsA/a/7.png___crop00.jpg",
    ]
    lines = (example.out / "classification_ds.csv").read_text().splitlines()
    assert lines[0] == "path,dataset,location,dataset_class,confidence,label"
    assert lines[1] == "dsA/a/1.jpg___crop00_mdv4.1.jpg,dsA,1,elk,0.95,canid"
    assert lines[4] == "dsA/a/3.jpg___crop00_mdv4.1.jpg,dsA,013,elk,0.8,felid"
    assert lines[5].endswith('1.0,"canid,felid"')
    assert lines[6] == "dsA/a/7.png___crop00.jpg,dsA,unknown_location,bird,1.0,other"
    assert label_index.read(example.out / "label_index.json") == ("canid", "felid", "other")


def test_what_labels_stand_for_is_carried_on_for_those_that_the_dataset_has(example):
    felid = Taxon("family", "felidae", (("order", "carnivora"),))
    label_taxa.write(example.out, {"felid": (felid,), "nobody": (felid,)})
    example.run("--val-frac", "0.5", mode=("csv", "splits"))
    assert dataset_info.read(example.out).taxonomy == {"felid": (felid,)}
    example.run("--val-frac", "0.5", mode=("splits",))
    assert dataset_info.read(example.out).taxonomy == {"felid": (felid,)}


def test_every_queried_picture_is_accounted_for(example):
    example.run()
    ledger = example.ledger
    assert (ledger.total, ledger.kept) == (12, 5)
    assert ledger.dropped == {
        "only below the threshold": ["dsA/a/4.jpg"],
        "nothing detected": ["dsA/a/5.jpg"],
        "crop missing": ["dsA/a/8.jpg"],
        "not in the detection file": ["dsA/a/9.jpg"],
        "failure in the detection file": ["dsB/x.jpg"],
        "people or other categories only": ["dsB/y.jpg"],
        "no detections of its dataset": ["dsC/x.jpg"],
    }


def test_labels_at_too_few_locations_are_left_out(world):
    for i, (location, label) in enumerate([(1, "elk"), (2, "elk"), (2, "cat"), (2, "cat")]):
        world.picture(f"ds/{i}.jpg", entry("ds", location, label), [box(0.9)], [0])
    assert world.run("--min-locs", "2") == 0
    assert {row["label"] for row in world.rows} == {"elk"}
    assert world.ledger.dropped == {"label at too few locations": ["ds/2.jpg", "ds/3.jpg"]}


def test_what_is_counted_on_the_way_is_what_reading_counts(example, monkeypatch):
    example.run()
    info = dataset_info.read(example.out)
    monkeypatch.setattr("database_tools.formats.classification_csv.are_plain", lambda crops: False)
    example.run()
    assert dataset_info.read(example.out) == info
    assert info.counts == {"all": (2, 1, 2, 1)}  # canid, both, felid, other


def test_a_crop_that_is_queried_twice_counts_once(world):
    world.picture("ds/\u00e9.jpg", entry("ds", 1, "elk"), [box(0.9)], [0])
    world.picture("ds/e\u0301.jpg", entry("ds", 1, "elk"))
    assert world.run() == 0
    assert len(world.rows) == 2
    assert dataset_info.read(world.out).counts == {"all": (1,)}


def test_a_score_beyond_1_by_rounding_is_found_when_the_rows_are_read(world, capsys):
    world.picture("ds/1.jpg", entry("ds", 1, "elk"), [box(1.0005)], [0])
    assert world.run() == 2
    assert "line 2: confidence must be a number in [0, 1]" in capsys.readouterr().err


def test_nothing_left_is_an_error_after_the_ledger(world, capsys):
    world.picture("ds/1.jpg", entry("ds", 1, "elk"), [box(0.1)], [0])
    assert world.run() == 2
    assert "no crop is left; 1 of 1 were left out: 1 only below" in capsys.readouterr().err
    assert world.ledger.kept == 0


@pytest.fixture
def many(world):
    """Ten locations of two labels, two crops each."""
    for place in range(10):
        for label in ("cat", "elk"):
            name = f"ds/{label}{place}.jpg"
            world.picture(name, entry("ds", place, label), [box(0.9), box(0.9)], [0, 1])
    return world


BOTH = ("csv", "splits")


@pytest.mark.parametrize("method", ["random", "smallest_first"])
def test_both_steps_in_one_command(many, method):
    assert many.run("--val-frac", 0.2, "--test-frac", 0.2, "--method", method, mode=BOTH) == 0
    parts = splits_json.read(many.out / "splits.json")
    assert {name: len(places) for name, places in parts.items()} == {
        "train": 6,
        "val": 2,
        "test": 2,
    }
    assert ("ds", "0") in parts["train"] | parts["val"] | parts["test"]
    info = dataset_info.read(many.out)
    assert info.counts == {"train": (12, 12), "val": (4, 4), "test": (4, 4)}


def test_the_recipe_beside_the_crops_is_carried_on_through_both_steps(many):
    recipe = CropRecipe()
    crops_info.write(many.crops, CropsInfo(recipe, "md_v4.1.0.pb", "4.1", 0.2))
    many.run()
    assert dataset_info.read(many.out).recipe == recipe
    assert dataset_info.read(many.out).counts == {"all": (20, 20)}
    many.run("--val-frac", 0.2, mode=("splits",))
    assert dataset_info.read(many.out).recipe == recipe
    assert dataset_info.read(many.out).counts["test"] == (0, 0)


@pytest.mark.parametrize("method", ["random", "smallest_first"])
def test_a_test_set_to_match_is_taken_over_with_its_rows(many, tmp_path, method):
    old = tmp_path / "old.csv"
    old.write_text(
        "path,dataset,location,dataset_class,confidence,label\n"
        "ds/old.jpg___crop00_mdv4.1.jpg,ds,3,elk,0.9,elk\n"
        "ds/other.jpg___crop00_mdv4.1.jpg,ds,4,elk,0.9,elk\n"
    )
    old_splits = tmp_path / "old.json"
    old_splits.write_text('{"train": [["ds", 4]], "val": [], "test": [["ds", 3]]}')
    flags = ["--match-test", old, old_splits, "--min-locs", 2, "--val-frac", 0.3]
    if method == "smallest_first":
        rule = {"dataset_labels": {"ds": ["cat"]}, "prioritize": [["ds"]]}
        (tmp_path / "spec.json").write_text(json.dumps({"cat": rule}))
        flags += ["--method", method, "--label-spec", tmp_path / "spec.json"]
    assert many.run(*flags, mode=BOTH) == 0
    at_3 = [row["path"] for row in many.rows if row["location"] == "3"]
    assert at_3 == ["ds/old.jpg___crop00_mdv4.1.jpg"]
    assert many.ledger.dropped == {
        "at a location of the test set to match": ["ds/cat3.jpg", "ds/elk3.jpg"]
    }
    parts = splits_json.read(many.out / "splits.json")
    assert parts["test"] == {("ds", "3")}
    assert ("ds", "3") not in parts["train"] | parts["val"]


def test_a_label_that_lacks_a_split_is_named_and_may_be_an_error(many, capsys):
    many.picture("ds/rare.jpg", entry("ds", 0, "rare"), [box(0.9)], [0])
    flags = ("--val-frac", 0.2, "--test-frac", 0.2)
    assert many.run(*flags, mode=BOTH) == 0
    assert "WARNING: rare: no crop in" in capsys.readouterr().err
    (many.out / "splits.json").unlink()
    assert many.run(*flags, "--require-all-splits", mode=("splits",)) == 2
    assert "--require-all-splits: rare: no crop in" in capsys.readouterr().err
    assert not (many.out / "splits.json").exists()


def test_splits_of_the_users_own_are_checked_and_taken_over(many, tmp_path, capsys):
    many.run()
    places = [["ds", i] for i in range(10)]
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"train": places[:5], "val": places[5:7], "test": places[8:]}))
    assert many.run("--splits-json", own, mode=("splits",)) == 2
    assert "no split has the location ('ds', '7'), as 1 of 10" in capsys.readouterr().err
    table = {"train": places[:5], "val": places[5:8], "test": [*places[8:], ["ds", 99]]}
    own.write_text(json.dumps(table))
    assert many.run("--splits-json", own, mode=("splits",)) == 0
    assert splits_json.read(many.out / "splits.json")["test"] == {("ds", "8"), ("ds", "9")}


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--mode", "csv"], "--mode csv needs --queried-images-json"),
        (["--mode", "splits"], "--mode splits needs --val-frac"),
        (["--mode", "csv", "--val-frac", ".2"], "--mode csv makes nothing of --val-frac"),
        (["--mode", "csv", "--require-all-splits"], "csv makes nothing of --require-all-splits"),
        (["--mode", "splits", "-q", "x"], "--mode splits makes nothing of --queried-images-json"),
        (["--mode", "splits", "--threshold", ".9"], "splits makes nothing of --threshold"),
        (["--mode", "splits", "--val-frac", "1.2"], "--val-frac must be in [0, 1], got 1.2"),
        (["--mode", "splits", "--val-frac", ".6", "--test-frac", ".6"], "more than 1 together"),
        (
            ["--mode", "splits", "--val-frac", ".2", "--label-spec", "x"],
            "--label-spec needs --method smallest_first",
        ),
        (
            ["--mode", "splits", "--val-frac", ".2", "--test-frac", "0", "--match-test", "a", "b"],
            "--match-test brings the test set: leave out --test-frac",
        ),
        (
            ["--mode", "splits", "--val-frac", ".2", "--splits-json", "x"],
            "--splits-json says all: leave out --val-frac",
        ),
        (["--mode", "splits", "--val-frac", ".2"], "classification_ds.csv: no such file"),
    ],
)
def test_an_impossible_request_is_one_line(tmp_path, capsys, flags, message):
    assert create_classification_dataset.main([str(tmp_path), *flags]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
