"""Classes merged into detections: the original's numbers, and files that others take."""

from __future__ import annotations

import json
import os

import pytest

from database_tools.core.crop_recipe import CropRecipe
from database_tools.formats import crops_info
from database_tools.formats.crops_info import CropsInfo
from tf_classification import merge_classification_detection_output as command

CATEGORIES = {"1": "animal", "2": "person", "3": "vehicle"}
LABELS = ("canid", "felid", "other")
PROBABILITIES = "0.57,0.12345678,0.30654322"
NAME = "a/b.jpg___crop00_mdv4.1.jpg"


def box(conf=0.9, category="1"):
    return {"category": category, "conf": conf, "bbox": [0.1, 0.2, 0.5, 0.25]}


def detections(*images, **info):
    info = {"detector": "md_v4.1.0.pb", "format_version": "1.1", **info}
    return {"images": list(images), "detection_categories": CATEGORIES, "info": info}


ONE = detections({"file": "a/b.jpg", "max_detection_conf": 0.9, "detections": [box()]})


class Folder:
    """Inputs in a folder, and the command on them."""

    def __init__(self, path):
        self.path = path
        self.write("labels.json", {str(i): name for i, name in enumerate(LABELS)})
        self.write("detections.json", ONE)
        self.table([NAME])

    def write(self, name, content):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def table(self, crops, probabilities=PROBABILITIES, label=None):
        head = "path," + ("label," if label else "") + ",".join(LABELS)
        middle = f"{label}," if label else ""
        rows = [f"{crop},{middle}{probabilities}" for crop in crops]
        self.write("out.csv", "\n".join([head, *rows, ""]))

    def run(self, *flags, boxes=("-j", "detections.json")):
        words = ["out.csv", "labels.json", "-o", "merged.json", "-n", "net", *boxes, *flags]
        return command.main(words)

    def merged(self, *flags, **kwargs):
        assert self.run(*flags, **kwargs) == 0
        return json.loads((self.path / "merged.json").read_text())

    def classes(self, *flags, **kwargs):
        image = self.merged(*flags, **kwargs)["images"][0]
        return image["detections"][0].get("classifications")

    def ledger(self):
        name = "merge_classification_detection_output_ledger.json"
        return json.loads((self.path / name).read_text())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


def test_the_worked_example_gives_the_originals_numbers(folder):
    assert folder.classes() == [["0", 0.5699], ["2", 0.3065], ["1", 0.1234]]
    assert folder.classes("--round") == [["0", 0.57], ["2", 0.3065], ["1", 0.1235]]
    assert folder.classes("-t", "0.30654322") == [["0", 0.5699], ["2", 0.3065]]
    folder.table([NAME], "0.4,0.4,0.2")
    assert folder.classes() == [["0", 0.4], ["1", 0.4], ["2", 0.2]]


def test_the_worked_example_with_a_true_label(folder):
    folder.table([NAME], label="felid")
    found = [["0", 0.5699], ["2", 0.3065], ["1", 0.1234]]
    assert folder.classes() == found
    assert folder.classes("--label", "first") == [["1000001", 1.0], *found]
    assert folder.classes("--label", "last") == [*found, ["1000001", 1.0]]
    assert folder.classes("--relative-conf") == [["0", 0.4465], ["2", 0.183]]
    assert folder.classes("--relative-conf", "-t", "0")[2] == ["1", 0.0]
    text = json.dumps(folder.classes("--relative-conf", "-t", "0", "--format_version", "1.0"))
    assert text == '[["0", 0.4465], ["2", 0.183], ["1", 0]]'
    categories = folder.merged()["classification_categories"]
    assert categories["1"] == "felid"
    assert categories["1000001"] == "label: felid"


def test_the_new_version_has_no_times_and_the_old_one_both(folder):
    os.utime("out.csv", (1_600_000_000, 1_600_000_000))  # noon of 2020-09-13 in London
    folder.write(
        "detections.json",
        {**ONE, "info": {"detector": "md_v4", "detection_completion_time": "2020-01-02 03:04:05"}},
    )
    new = folder.merged()
    assert new["info"] == {"detector": "md_v4", "classifier": "net", "format_version": "1.6"}
    old = folder.merged("--format_version", "1.0")
    assert old["info"]["format_version"] == "1.0"
    assert old["info"]["detection_completion_time"] == "2020-01-02 03:04:05"
    assert old["info"]["classification_completion_time"] == "2020-09-13 00:00:00"
    assert old["images"][0]["max_detection_conf"] == 0.9
    assert new["images"][0]["detections"] == old["images"][0]["detections"]


def test_every_image_of_the_input_comes_out(folder):
    images = [
        {"file": "a/b.jpg", "detections": [box(0.95, "2"), box(0.5), box(1)]},
        {"file": "empty.jpg", "max_detection_conf": 0, "detections": [], "meta": "x"},
        {"file": "bad.jpg", "failure": "Failure image access"},
        {"file": "later.jpg", "detections": None},
    ]
    folder.write("detections.json", detections(*images, format_version=1.0))
    folder.table(["a/b.jpg___crop02_mdv4.1.jpg"], "1,0,0")
    found = folder.merged()["images"]
    assert [image["file"] for image in found] == [image["file"] for image in images]
    assert ["classifications" in b for b in found[0]["detections"]] == [False, False, True]
    assert found[0]["detections"][2]["classifications"] == [["0", 1.0]]
    assert found[1] == {"file": "empty.jpg", "meta": "x", "detections": []}
    assert found[2] == {"file": "bad.jpg", "failure": "Failure image access", "detections": None}
    assert found[3]["detections"] is None


@pytest.mark.parametrize(
    "name",
    [
        "a/b.jpg___crop00.jpg",  # no version
        "a/b.jpg___crop00_mdvunknown.jpg",
        "a/b.jpg___crop00_md_v5a.0.0.pt.jpg",  # as of 2022
        "./a/b.jpg___crop00_mdv4.1.jpg",  # as the original wrote crops at the root
        "a\\b.jpg___crop00_mdv4.1.jpg",
    ],
)
def test_the_version_is_that_of_the_names_whatever_the_detections_say(folder, name):
    folder.table([name])
    assert folder.classes()[0] == ["0", 0.5699]


def test_the_folder_of_the_crops_says_their_version_and_the_detections_never_do(folder, capsys):
    crops_info.write(folder.path, CropsInfo(CropRecipe(), "md_v5", "4.1.0"))
    assert folder.classes("--cropped-images-dir", ".")[0] == ["0", 0.5699]
    folder.write("detections.json", {**ONE, "info": {"detector": "md_v9"}})
    assert folder.classes("--cropped-images-dir", ".")[0] == ["0", 0.5699]
    folder.table(["a/b.jpg___crop00_md_v5a.0.0.pt.jpg"])
    assert folder.run("--cropped-images-dir", ".") == 2
    said = "several detectors: 4.1.0 by ./crops_info.json, 5a.0.0.pt by a/b.jpg___crop00"
    assert said in capsys.readouterr().err
    crops_info.write(folder.path, CropsInfo(CropRecipe(), "md_v5", "5a"))
    assert folder.classes("--cropped-images-dir", ".")[0] == ["0", 0.5699]
    assert folder.run("--cropped-images-dir", "none") == 2
    assert "none: no such folder" in capsys.readouterr().err


@pytest.mark.parametrize("flags", [(), ("-v", "4.1.0"), ("--cropped-images-dir", ".")])
def test_queried_images_need_no_version_where_crops_say_it(folder, flags):
    boxes = queried(folder)
    crops_info.write(folder.path, CropsInfo(CropRecipe(), None, "4.1"))
    assert len(folder.merged(*flags, boxes=boxes[:-2])["images"]) == 3


def test_two_spellings_of_one_version_are_one_detector(folder):
    image = {"file": "a/b.jpg", "detections": [box(), box()]}
    folder.write("detections.json", detections(image))
    folder.table([NAME, "a/b.jpg___crop01_mdv4.1.0.jpg"])
    assert all("classifications" in b for b in folder.merged()["images"][0]["detections"])


def test_a_name_in_another_unicode_form_is_found(folder):
    image = {"file": "e\u0301.jpg", "detections": [box()]}
    folder.write("detections.json", detections(image))
    folder.table(["\u00e9.jpg___crop00_mdv4.1.jpg"])
    assert folder.classes()[0] == ["0", 0.5699]


def test_crops_without_a_box_are_counted_and_named(folder, capsys):
    images = [
        {"file": "a/b.jpg", "detections": [box(), box()]},
        {"file": "bad.jpg", "failure": "Failure image access"},
    ]
    folder.write("detections.json", detections(*images))
    crops = [NAME, "a/b.jpg___crop02_mdv4.1.jpg", "bad.jpg___crop00_mdv4.1.jpg"]
    crops.append("gone.jpg___crop00_mdv4.1.jpg")
    folder.table(crops)
    folder.merged()
    found = folder.ledger()
    assert (found["total"], found["kept"]) == (4, 1)
    assert found["dropped"] == {
        "failure in the detection file": [crops[2]],
        "no such box in the detection file": [crops[1]],
        "not in the detection file": [crops[3]],
    }
    said = capsys.readouterr().err
    assert "3 of 4 were left out" in said
    assert "1 boxes have no crop" in said


def test_what_an_earlier_classifier_said_goes(folder):
    old = {**box(), "classifications": [["7", 0.8]]}
    table = detections({"file": "a/b.jpg", "detections": [old, {**old}]}, classifier="old")
    table["info"]["classifier_metadata"] = {"typical_classification_threshold": 0.5}
    table["classification_categories"] = {"7": "yeti"}
    table["classification_category_descriptions"] = {"7": "yeti"}
    folder.write("detections.json", table)
    found = folder.merged()
    assert "classifications" not in found["images"][0]["detections"][1]
    assert found["classification_categories"] == {str(i): n for i, n in enumerate(LABELS)}
    assert "classification_category_descriptions" not in found
    assert found["info"]["classifier"] == "net"
    assert "classifier_metadata" not in found["info"]


def test_columns_are_found_by_name(folder):
    folder.write("out.csv", f"path,other,canid,felid\n{NAME},0.1,0.7,0.2\n")
    assert folder.classes() == [["0", 0.7], ["1", 0.2], ["2", 0.1]]


def test_true_labels_alone_are_merged(folder):
    folder.write("out.csv", f"path,label\n{NAME},felid\n")
    assert folder.classes() is None
    assert folder.classes("--label", "last") == [["1000001", 1.0]]


@pytest.mark.parametrize("threshold", ["0", "0.1"])
def test_tables_of_several_blocks_are_matched_whatever_their_order(folder, threshold):
    number = 3000
    images = [{"file": f"ds/{i}.jpg", "detections": [box(), box()]} for i in range(number)]
    folder.write("detections.json", detections(*images))
    crops = [f"ds/{i * 7 % number}.jpg___crop01_mdv4.1.jpg" for i in range(number)]
    rows = [f"{crop},{i / number},{1 - i / number},0.0\n" for i, crop in enumerate(crops)]
    folder.write("out.csv", "path,canid,felid,other\n" + "".join(rows))
    found = folder.merged("-t", threshold)["images"]
    assert folder.ledger()["kept"] == number
    place = {i * 7 % number: i for i in range(number)}
    for i in (0, 1, 1234, number - 1):
        first, second = found[i]["detections"]
        assert "classifications" not in first
        confidences = dict(second["classifications"])
        assert confidences.get("0", 0) == pytest.approx(place[i] / number, rel=1e-3)
        assert len(second["classifications"]) == (3 if threshold == "0" else len(confidences))


def queried(folder, with_drawn=True):
    """Two datasets with a cache each, drawn boxes in one picture."""
    cats = {"1": "animal", "2": "person", "3": "vehicle"}
    image = {"file": "x.jpg", "max_detection_conf": 0.9, "detections": [box(), box(0.5)]}
    other = {"file": "never.jpg", "detections": [box()]}
    folder.write("cache/v4.1/one.json", {**detections(image, other), "detection_categories": cats})
    swapped = {"1": "person", "2": "animal"}
    image = {"file": "sub/y.jpg", "detections": [box(0.8, "2")]}
    folder.write("cache/v4.1/two.json", {**detections(image), "detection_categories": swapped})
    drawn = {"category": "group", "bbox": [0, 0, 1, 1]}
    entry = {"dataset": "one", "class": "fox", "label": ["canid"]}
    table = {"one/x.jpg": entry, "one/never.jpg": entry}
    if with_drawn:
        table["one/drawn.jpg"] = {**entry, "bbox": [drawn]}
    table["two/sub/y.jpg"] = {**entry, "dataset": "two"}
    folder.write("queried.json", table)
    crops = ["one/x.jpg___crop01_mdv4.1.jpg", "two/sub/y.jpg___crop00_mdv4.1.jpg"]
    if with_drawn:
        crops.append("one/drawn.jpg___crop00.jpg")
    folder.table(crops, label="canid")
    return ("-q", "queried.json", "-c", "cache", "-v", "4.1")


def test_queried_images_come_out_if_they_have_a_crop(folder):
    boxes = queried(folder)
    found = folder.merged("--label", "last", boxes=boxes)
    images = {image["file"]: image["detections"] for image in found["images"]}
    assert list(images) == ["one/drawn.jpg", "one/x.jpg", "two/sub/y.jpg"]
    names = found["detection_categories"]
    assert [names[b["category"]] for b in images["one/drawn.jpg"]] == ["group"]
    assert images["one/drawn.jpg"][0]["conf"] == 1.0
    assert [names[b["category"]] for b in images["two/sub/y.jpg"]] == ["animal"]
    assert ["classifications" in b for b in images["one/x.jpg"]] == [False, True]
    assert found["info"] == {
        "detector": "md_v4.1.0.pb",
        "classifier": "net",
        "format_version": "1.6",
    }
    assert folder.ledger()["kept"] == 3


def test_a_picture_takes_one_kind_of_boxes(folder):
    boxes = queried(folder)
    cached = {"file": "drawn.jpg", "detections": [box()]}
    table = json.loads((folder.path / "cache/v4.1/one.json").read_text())
    table["images"].append(cached)
    folder.write("cache/v4.1/one.json", table)
    mixed = "one/drawn.jpg___crop00_mdv4.1.jpg"
    folder.table([mixed, "one/drawn.jpg___crop00.jpg"], label="canid")
    assert [image["file"] for image in folder.merged(boxes=boxes)["images"]] == ["one/drawn.jpg"]
    assert folder.ledger()["dropped"] == {"detected, but the picture's boxes are drawn": [mixed]}


def test_datasets_and_samples_filter(folder):
    boxes = queried(folder)
    found = folder.merged("--datasets", "two", boxes=boxes)["images"]
    assert [image["file"] for image in found] == ["two/sub/y.jpg"]
    one = folder.merged("-s", "1", boxes=boxes)
    assert len(one["images"]) == 1
    assert folder.merged("-s", "1", boxes=boxes) == one
    chosen = {
        folder.merged("-s", "1", "--seed", str(i), boxes=boxes)["images"][0]["file"]
        for i in range(20)
    }
    assert len(chosen) == 3
    assert len(folder.merged("-s", "9", boxes=boxes)["images"]) == 3


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["-t", "1.5"], "--threshold must be in [0, 1], got 1.5"),
        (["-c", "cache"], "--detector-output-cache-dir is not for --detection-json"),
        (["-q", "queried.json"], "give either --detection-json or --queried-images-json"),
        (["--label", "last"], "no column of true labels"),
        (["--relative-conf"], "no column of true labels"),
        (["-d", "b"], "--datasets b: out.csv has no crop of it, only of a"),
        (["-o", "labels.json"], "is one of the inputs"),
    ],
)
def test_flags_that_make_no_sense_are_named(folder, capsys, flags, message):
    assert folder.run(*flags) == 2
    assert message in capsys.readouterr().err
    assert not (folder.path / "merged.json").exists()


def test_files_that_do_not_belong_together_are_named(folder, capsys):
    def said(*flags, **kwargs):
        assert folder.run(*flags, **kwargs) == 2
        return capsys.readouterr().err

    folder.table([NAME, NAME])
    assert f"{NAME}: the crop is there twice" in said()
    folder.table([NAME, "a/b.jpg___crop01_mdv5.jpg"])
    assert f"several detectors: 4.1 by {NAME}, 5 by a/b.jpg___crop01_mdv5" in said()
    folder.table([NAME, "a/c.jpg___crop01.jpg"])
    assert "a crop of a drawn box among detected ones: a/c.jpg" in said()
    folder.table(["c/d.jpg___crop00_mdv4.1.jpg"])
    assert "no crop has a box in detections.json; one is 'c/d.jpg" in said()
    folder.table(["c/d.jpg"])
    assert "'c/d.jpg' is not a crop name" in said()
    folder.table([NAME], label="wolf")
    assert "the true label 'wolf' is not in labels.json" in said("--label", "first")
    folder.write("out.csv", f"path,canid,felid\n{NAME},1,0\n")
    assert "'other' is in one only" in said()
    boxes = queried(folder)
    assert "5 by --detector-version, 4.1 by one/x.jpg" in said(boxes=(*boxes[:-1], "5"))
    (folder.path / "cache/v4.1/two.json").unlink()
    assert "two.json: no such file" in said(boxes=boxes)
    assert not (folder.path / "merged.json").exists()


def test_equal_inputs_are_equal_bytes(folder):
    folder.merged()
    first = (folder.path / "merged.json").read_bytes()
    os.utime("out.csv", (1, 1))
    folder.merged()
    assert (folder.path / "merged.json").read_bytes() == first


def test_caches_of_two_detectors_are_named(folder, capsys):
    boxes = queried(folder)
    table = json.loads((folder.path / "cache/v4.1/two.json").read_text())
    table["info"]["detector"] = "md_v5a.0.0.pt"
    folder.write("cache/v4.1/two.json", table)
    assert folder.run(boxes=boxes) == 2
    assert "two.json: info.detector: is md_v5a.0.0.pt, but that of" in capsys.readouterr().err


def test_a_class_named_like_a_detection_is_a_warning_or_an_error(folder, capsys):
    assert folder.run("--timelapse") == 0
    assert "Timelapse" not in capsys.readouterr().err
    folder.write("labels.json", {"0": "Animal", "1": "canid"})
    folder.write("out.csv", f"path,Animal,canid\n{NAME},0.25,0.75\n")
    assert folder.run() == 0
    assert "WARNING: class 0 is named 'Animal'" in capsys.readouterr().err
    (folder.path / "merged.json").unlink()
    assert folder.run("--timelapse") == 2
    assert "Timelapse takes such a file for AddaxAI's" in capsys.readouterr().err
    assert not (folder.path / "merged.json").exists()
    folder.write("labels.json", {"0": "canid", "1": "Animal"})  # any but the first may be
    assert folder.run("--timelapse") == 0


def test_a_true_label_comes_with_a_line_about_timelapse(folder, capsys):
    folder.table([NAME], label="felid")
    folder.merged("--label", "last")
    assert "leave --label out to select by what was predicted" in capsys.readouterr().err
    folder.merged("--relative-conf")
    assert "leave --label out" not in capsys.readouterr().err


def tricky(folder):
    """Detections and a table with all that may be missing, whole or zero."""
    first = {
        "file": "a/b.jpg",
        "detections": [box(1), box(0.4, "2"), {**box(), "bbox": [0, 0, 1, 1]}],
    }
    rest = [
        {"file": "empty.jpg", "detections": []},
        {"file": "bad.jpg", "failure": "Failure image access"},
        {"file": "c.jpg", "detections": [{**box(), "classifications": None}]},
    ]
    folder.write("detections.json", detections(first, *rest))
    crops = [NAME, "a/b.jpg___crop02_mdv4.1.jpg", "c.jpg___crop00_mdv4.1.jpg"]
    values = [PROBABILITIES, "1,0,0", "0.05,0.05,0.05"]
    rows = [f"{crop},felid,{value}\n" for crop, value in zip(crops, values, strict=True)]
    folder.write("out.csv", f"path,label,{','.join(LABELS)}\n" + "".join(rows))


@pytest.mark.parametrize("flags", [(), ("--relative-conf",), ("-t", "0"), ("--round",)])
@pytest.mark.parametrize("version", ["1.6", "1.0"])
def test_the_rules_of_timelapse_are_kept(folder, flags, version):
    tricky(folder)
    table = folder.merged("--timelapse", "--format_version", version, *flags)
    assert isinstance(table["info"]["format_version"], str)
    names, classes = table["detection_categories"], table["classification_categories"]
    assert classes[min(classes)] not in names.values()
    assert len(set(classes.values())) == len(classes)
    for image in table["images"]:
        assert "\\" not in image["file"]
        for found in image.get("detections") or []:
            assert found["category"] in names
            assert len(found["bbox"]) == 4
            numbers = [found["conf"], *found["bbox"]]
            assert all(isinstance(n, float) or (n == 0 and version == "1.0") for n in numbers)
            pairs = found.get("classifications", [])
            assert pairs is not None
            assert all(isinstance(i, str) and i in classes for i, _ in pairs)
            confidences = [conf for _, conf in pairs]
            assert all(isinstance(n, float) or (n == 0 and version == "1.0") for n in confidences)
            assert confidences == sorted(confidences, reverse=True)
    empty = next(image for image in table["images"] if image["file"] == "empty.jpg")
    assert empty["detections"] == []


def test_megadetectors_own_tools_take_what_is_merged(folder, monkeypatch):
    validator = pytest.importorskip("megadetector.postprocessing.validate_batch_results")
    from megadetector.postprocessing import (
        classification_postprocessing,
        convert_output_format,
        create_crop_folder,
        generate_csv_report,
        md_to_coco,
        postprocess_batch_results,
    )
    from PIL import Image

    tricky(folder)
    folder.merged("--timelapse")
    options = validator.ValidateBatchResultsOptions()
    found = validator.validate_batch_results("merged.json", options)["validation_results"]
    assert found["errors"] == found["warnings"] == []
    assert found["classification_category_id_to_count"] == {"0": 2, "1": 1, "2": 1}

    for name in ("a/b.jpg", "empty.jpg", "bad.jpg", "c.jpg"):
        (folder.path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (80, 60), "green").save(folder.path / "images" / name)
    smooth = classification_postprocessing.smooth_classification_results_image_level
    smooth("merged.json", "smoothed.json")
    assert len(json.loads((folder.path / "smoothed.json").read_text())["images"]) == 4
    frames = [
        {"file_name": f, "seq_id": "s", "id": f, "frame_num": i, "location": "l"}
        for i, f in enumerate(("a/b.jpg", "empty.jpg", "bad.jpg", "c.jpg"))
    ]
    folder.write("cct.json", {"images": frames, "annotations": [], "categories": []})
    classification_postprocessing.smooth_classification_results_sequence_level(
        "merged.json", "cct.json", "smoothed2.json"
    )
    convert_output_format.convert_json_to_csv("merged.json", "o.csv")
    assert "canid" in (folder.path / "o.csv").read_text()
    generate_csv_report.generate_csv_report("merged.json", "report.csv")
    assert "canid" in (folder.path / "report.csv").read_text()
    coco = md_to_coco.md_to_coco("merged.json", "coco.json", image_folder="images")
    assert len(coco["images"]) == 4
    crops = create_crop_folder.CreateCropFolderOptions()
    crops.n_workers = 1
    create_crop_folder.create_crop_folder("merged.json", "images", "crops", options=crops)
    assert len(list((folder.path / "crops").rglob("*.jpg"))) == 4
    page = postprocess_batch_results.PostProcessingOptions()
    page.md_results_file, page.output_dir = "merged.json", "html"
    page.image_base_dir, page.parallelize_rendering = "images", False
    postprocess_batch_results.process_batch_results(page)
    assert (folder.path / "html" / "index.html").is_file()
