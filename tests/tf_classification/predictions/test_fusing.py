"""``fuse_sequences``: events from four sources, and what is written of them."""

from __future__ import annotations

import csv
import gzip
import json

import pytest
from PIL import Image

from tf_classification import fuse_sequences as command
from tf_classification import merge_classification_detection_output as merge

FILES = ("a/1.jpg", "a/2.jpg", "b/1.jpg", "a/3.jpg")
TIMES = ("2021-05-03 06:12:00", "2021-05-03 06:12:59", "2021-05-03 06:13:00", "2021-05-03 06:13:59")


def crop(file, box=0):
    return f"{file}___crop{box:02d}_mdv4.1.jpg"


class Folder:
    """Four pictures of two places with a box each, the last with a person besides."""

    def __init__(self, path):
        self.path = path
        box = {"category": "1", "conf": 1.0, "bbox": [0.1, 0.1, 0.5, 0.5]}
        person = {"category": "2", "conf": 1.0, "bbox": [0.6, 0.1, 0.3, 0.5]}
        images = [{"file": name, "detections": [box]} for name in FILES]
        images[3]["detections"] = [box, person]
        self.detections = {
            "info": {"detector": "md_v4.1.0.pb", "format_version": "1.6"},
            "detection_categories": {"1": "animal", "2": "person"},
            "images": images,
        }
        self.write("md.json", json.dumps(self.detections))
        said = dict(zip(FILES, ("0.8,0.2", "0.5,0.5", "0.9,0.1", "0.25,0.75"), strict=True))
        self.rows = [f"{crop(name)},{row}\n" for name, row in said.items()]
        self.rows.append(f"{crop(FILES[3], 1)},0.25,0.75\n")
        self.write("out.csv", "path,deer,fox\n" + "".join(self.rows))
        self.write("media.csv", media(zip(FILES, "aaba", TIMES, strict=False)))

    def write(self, name, text):
        file = self.path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def run(self, *flags, tables=("out.csv",), events=("--media_csv", "media.csv")):
        words = [*tables, "-o", "fused", "-j", "md.json", "-n", "net", "-t", "0", *events]
        return command.main([*words, *flags])

    def events(self, *flags, **kwargs):
        """Return files, boxes and vector of each event."""
        assert self.run(*flags, **kwargs) == 0
        with (self.path / "fused/events.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        return {
            row["event_id"]: (json.loads(row["files"]), row["boxes"], row["deer"]) for row in rows
        }

    def merged(self):
        return json.loads((self.path / "fused/detections.json").read_text())

    def table(self):
        return gzip.decompress((self.path / "fused/classifier_output.csv.gz").read_bytes()).decode()


def media(rows):
    return "path,location,datetime\n" + "".join(f"{','.join(row)}\n" for row in rows)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


def test_events_boxes_and_the_table_of_one_rule(folder):
    found = folder.events("--rule", "mean")
    # 59 s are one event, 60 s are two; the person's box is in none with an animal's.
    assert found == {
        "a/2021-05-03 06:12:00": (["a/1.jpg", "a/2.jpg"], "2", "0.65"),
        "a/2021-05-03 06:13:59": (["a/3.jpg"], "2", "0.25"),
        "b/2021-05-03 06:13:00": (["b/1.jpg"], "1", "0.9"),
    }
    boxes = {image["file"]: image["detections"] for image in folder.merged()["images"]}
    assert boxes["a/1.jpg"][0]["classifications"] == [["0", 0.65], ["1", 0.35]]
    assert boxes["a/1.jpg"][0]["own_classifications"] == [["0", 0.8], ["1", 0.2]]
    assert boxes["a/2.jpg"][0]["own_classifications"] == [["0", 0.5], ["1", 0.5]]
    assert folder.merged()["info"]["classifier_metadata"]["fused"] == {
        "tables": ["out.csv"],
        "events_from": "media_csv: media.csv",
        "event_gap": 60.0,
        "rule": "mean",
        "same": 0.75,
        "temperature": 1.0,
    }
    assert f"{crop('b/1.jpg')},0.9,0.1\n" in folder.table()


def test_the_table_is_what_merge_takes_and_says_the_same(folder):
    folder.events()
    words = ["fused/classifier_output.csv.gz", "fused/label_index.json", "-o", "again.json"]
    assert merge.main([*words, "-n", "net", "-t", "0", "-j", "fused/detections.json"]) == 0
    again = json.loads((folder.path / "again.json").read_text())["images"]
    for one, other in zip(again, folder.merged()["images"], strict=True):
        for box, fused in zip(one["detections"], other["detections"], strict=True):
            assert "own_classifications" not in box
            assert box["classifications"] == fused["classifications"]


def test_people_and_animals_of_one_event_say_nothing_of_each_other(folder):
    person = folder.detections["images"][3]["detections"][1]
    folder.detections["images"][0]["detections"] = [person]
    folder.write("md.json", json.dumps(folder.detections))
    folder.events("--rule", "mean")
    assert f"{crop('a/1.jpg')},0.8,0.2\n" in folder.table()
    assert f"{crop('a/2.jpg')},0.5,0.5\n" in folder.table()


def coco(**of_first):
    images = [
        {"id": name, "file_name": name, "location": name[0], "datetime": time}
        for name, time in zip(FILES, TIMES, strict=True)
    ]
    images[0].update(of_first)
    return json.dumps({"categories": [], "annotations": [], "images": images})


def exif(folder):
    for name, time in zip(FILES, TIMES, strict=True):
        path = folder.write(f"pictures/{name}", "")
        tags = Image.Exif()
        tags.get_ifd(0x8769)[0x9003] = time.replace("-", ":")
        Image.new("RGB", (8, 8)).save(path, exif=tags)
    return "--exif", "pictures"


def sources(folder):
    """Yield the flags of each source; a dataset's folder is first in names of the database."""
    folder.write("coco.json", coco())
    yield "--input_json", "coco.json"
    both = zip(FILES, TIMES, strict=True)
    rows = (f"m{file},{file[0]},{time.replace(' ', 'T')}Z,{file}" for file, time in both)
    folder.write("dp.csv", "mediaID,deploymentID,timestamp,filePath\n" + "\n".join(rows))
    yield "--media_csv", "dp.csv"
    yield exif(folder)


def test_every_source_gives_the_same_events(folder):
    expected = folder.events()
    for flags in sources(folder):
        assert folder.events(events=flags) == expected


def test_no_picture_outside_the_folder_is_looked_at(folder):
    flags = exif(folder)
    folder.write("md.json", json.dumps(folder.detections).replace('"a/', '"../pictures/a/'))
    found = folder.events(events=flags)
    assert "../pictures/a/1.jpg" in found
    assert len(found) == 4


def test_a_label_database_gives_events_of_each_dataset(folder):
    from database_tools import import_labels

    folder.write("coco.json", coco())
    words = ["labels.db", "coco.json", "--dataset", "ds"]
    assert import_labels.main(words) == 0
    text = json.dumps(folder.detections).replace('"file": "', '"file": "ds/')
    folder.write("md.json", text)
    folder.write("out.csv", "path,deer,fox\n" + "".join(f"ds/{row}" for row in folder.rows))
    found = folder.events(events=("--db", "labels.db"))
    assert found["ds/a/2021-05-03 06:12:00"][0] == ["ds/a/1.jpg", "ds/a/2.jpg"]
    assert len(found) == 3
    # Annotations know nothing of the dataset's folder.
    assert len(folder.events(events=("--input_json", "coco.json"))) == 3


def test_a_sequence_is_an_event_whatever_the_time(folder):
    text = json.loads(coco())
    text["images"][0]["seq_id"] = text["images"][3]["seq_id"] = "s7"
    folder.write("coco.json", json.dumps(text))
    found = folder.events(events=("--input_json", "coco.json"))
    assert found["a/s7"][0] == ["a/1.jpg", "a/3.jpg"]
    assert len(found) == 3


def test_a_picture_without_time_or_place_is_an_event_alone(folder, capsys):
    folder.write("media.csv", media([("a/1.jpg", "", TIMES[0]), ("a/2.jpg", "a", "yesterday")]))
    folder.write("media.csv", (folder.path / "media.csv").read_text() + f"b/1.jpg,b,{TIMES[0]}\n")
    assert sorted(f for f, *_ in folder.events().values()) == [[name] for name in sorted(FILES)]
    assert "3 such pictures are events alone" in capsys.readouterr().err


def test_tables_of_parts_are_one(folder):
    folder.events()
    whole = {name: (folder.path / "fused" / name).read_bytes() for name in ("events.csv",)}
    folder.write("1.csv", "path,deer,fox\n" + "".join(folder.rows[:2]))
    swapped = [",".join((p, b, a)) for p, a, b in (r.strip().split(",") for r in folder.rows[2:])]
    folder.write("2.csv", "path,fox,deer\n" + "\n".join(swapped))
    folder.events(tables=("1.csv", "2.csv"))
    for name, content in whole.items():
        assert (folder.path / "fused" / name).read_bytes() == content


def test_the_best_temperature_is_found(folder):
    # Half of those that the classifier is sure of at 0.8 are wrong: nothing is worth more than 0.5.
    rows = [f"{crop(f'v/{i}.jpg')},{('deer', 'fox')[i % 2]},0.8,0.2\n" for i in range(40)]
    folder.write("val.csv", "path,label,deer,fox\n" + "".join(rows))
    folder.events("--calibrate_on", "val.csv")
    assert folder.merged()["info"]["classifier_metadata"]["fused"]["temperature"] > 50
    boxes = folder.merged()["images"][2]["detections"]
    assert boxes[0]["classifications"][0][1] == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--event_gap", "0"), "--event_gap must be above 0 seconds, got 0.0"),
        (("--same", "1"), "--same must be above 0 and below 1, got 1.0"),
        (("--temperature", "0"), "--temperature must be in [0.01, 100], got 0.0"),
        (("--db", "labels.db"), "--db and --media_csv are too many"),
        (("-j", "fused/detections.json"), "fused/detections.json: no such file"),
        (("--calibrate_on", "out.csv"), "a column of true labels"),
    ],
)
def test_what_makes_no_sense_is_said(folder, capsys, flags, said):
    assert folder.run(*flags) == 2
    assert said in capsys.readouterr().err
    assert not (folder.path / "fused").exists()


def test_events_must_come_from_somewhere(folder, capsys):
    assert folder.run(events=()) == 2
    assert "events come from one of --input_json, --db, --media_csv, --exif; none is given" in (
        capsys.readouterr().err
    )
    folder.write("media.csv", media([("elsewhere/1.jpg", "a", TIMES[0])]))
    assert folder.run() == 2
    assert "'elsewhere/1.jpg'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("path,deer,fox\na.jpg,0.5,0.5\n", "is not a crop name"),
        (f"path,deer,fox\n{crop('a/1.jpg')},1.5,-0.5\n", "1.5 is no probability"),
        (f"path,deer,fox\n{crop('a/1.jpg')},1,0\n{crop('a/1.jpg')},1,0\n", "is there twice"),
    ],
)
def test_a_table_that_is_none_is_said(folder, capsys, content, said):
    folder.write("out.csv", content)
    assert folder.run() == 2
    assert said in capsys.readouterr().err
    assert not (folder.path / "fused/detections.json").exists()
