"""The command from a folder of pictures to species."""

from __future__ import annotations

import csv
import json
import shutil
from types import SimpleNamespace

import pytest
from PIL import Image as Picture

from database_tools import make_demo_dataset
from database_tools.core.errors import UserError
from database_tools.durable import listing
from database_tools.formats import ledger_json, megadetector_json
from database_tools.formats.megadetector_json import Box, Header, Image
from tf_classification import classify_pictures
from tf_classification.predictions import classifying, species
from tf_classification.predictions.species import Names
from tf_classification.predictor import sources

LABELS = ("fox", "deer", "hare")


@pytest.fixture
def decided(tflite, tmp_path):
    """The model, accepting whatever it says; and one that never accepts."""
    models = {}
    for name, limit in (("sure", 0.0), ("unsure", None)):
        file = tmp_path / name / tflite.name
        file.parent.mkdir()
        file.write_bytes(tflite.read_bytes())
        facts = json.loads(tflite.with_name("model.json").read_text())
        facts["thresholds"] = dict.fromkeys(LABELS, limit)
        file.with_name("model.json").write_text(json.dumps(facts))
        models[name] = file
    return models


def run(*words):
    return classify_pictures.main([str(word) for word in words])


def table(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_a_folder_becomes_species_and_a_file_for_timelapse(decided, shots):
    out = shots / "out"
    exif = Picture.Exif()
    exif[0x0132] = "2021:05:03 06:12:00"
    Picture.open(shots / "pictures/b/2.jpg").save(shots / "pictures/b/2.jpg", exif=exif)
    words = ("--detections-json", shots / "detections.json", "--sort_into", shots / "sorted")
    assert run(shots / "pictures", decided["sure"], out, *words) == 0
    found = table(out / "species.csv")
    said = [(r["file"], r["folder"], r["count"], r["decision"]) for r in found]
    assert sorted(said) == [
        ("a/1.jpg", "a", "1", "accepted"),  # the box of 0.1 is below the threshold
        ("a/3.jpg", "a", "0", "detector"),
        ("a/4.jpg", "a", "", "look at it"),
        ("b/2.jpg", "b", "1", "accepted"),
        ("b/2.jpg", "b", "1", "detector"),
    ]
    by_file = {(r["file"], r["decision"]): r for r in found}
    assert by_file["a/3.jpg", "detector"]["species"] == "empty"
    assert by_file["a/4.jpg", "look at it"]["species"] == "failed"
    assert by_file["b/2.jpg", "detector"]["species"] == "person"
    animal = by_file["b/2.jpg", "accepted"]
    assert animal["species"] in LABELS
    assert animal["datetime"] == "2021-05-03 06:12:00"
    images = {image.file: image for image in megadetector_json.images(out / "detections.json")}
    assert set(images) == {"b/2.jpg", "a/1.jpg", "a/3.jpg", "a/4.jpg"}
    (number, sure), *_ = images["b/2.jpg"].boxes[0].classifications
    assert (LABELS[int(number)], repr(sure)) == (animal["species"], animal["confidence"])
    assert not images["b/2.jpg"].boxes[1].classifications
    linked = shots / "sorted" / animal["species"] / "b/2.jpg"
    assert linked.samefile(shots / "pictures/b/2.jpg")
    assert (shots / "sorted" / "empty" / "a/3.jpg").exists()
    page = (out / "index.html").read_text()
    assert page.count("<figure>") == 4
    ledger = ledger_json.read(out / "classify_pictures_ledger.json")
    assert (ledger.total, ledger.kept) == (4, 3)


def test_a_model_without_thresholds_leaves_all_animals_to_look_at(decided, shots):
    words = ("--detections-json", shots / "detections.json")
    assert run(shots / "pictures", decided["unsure"], shots / "out", *words) == 0
    animals = [r for r in table(shots / "out/species.csv") if r["species"] in LABELS]
    assert {r["decision"] for r in animals} == {"look at it"}


def test_the_same_command_again_changes_nothing_and_asks_nothing(decided, shots, capsys):
    words = (shots / "pictures", decided["sure"], shots / "out")
    words += ("--detections-json", shots / "detections.json")
    assert run(*words) == 0
    before = {p.name: p.read_bytes() for p in (shots / "out").iterdir() if p.is_file()}
    capsys.readouterr()
    assert run(*words) == 0
    assert "going on: 2 of 2 crops have their answer" in capsys.readouterr().err
    assert before == {p.name: p.read_bytes() for p in (shots / "out").iterdir() if p.is_file()}


def test_pictures_that_are_not_of_the_run_are_counted(decided, shots, capsys):
    for other in ("sorted/elk/1.jpg", "pictures/c/8.jpg", "pictures/c/9.jpg"):
        (shots / other).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(shots / "pictures/b/2.jpg", shots / other)
    words = ("--detections-json", shots / "detections.json", "--sort_into", shots / "sorted")
    for _ in range(2):
        assert run(shots / "pictures", decided["sure"], shots / "out", *words) == 0
        said = capsys.readouterr().err
        assert "sorted holds 1 more, as another run sorted them" in said
        assert "pictures holds 5 pictures, " in said
        assert "detections.json names 4: the others are not looked at" in said


def test_a_folder_where_nobody_may_look_ends_the_count_alone(shots, monkeypatch):
    def entries(folder):
        if folder.name == "b":
            raise UserError(folder)
        return listing.entries(folder)

    monkeypatch.setattr(sources, "listing", SimpleNamespace(entries=entries))
    assert classifying._number(shots / "pictures") == len(list((shots / "pictures/a").iterdir()))


def test_pictures_without_any_animal_are_empty(decided, shots):
    facts = json.loads((shots / "detections.json").read_text())
    facts["images"] = [entry for entry in facts["images"] if entry["file"] == "a/3.jpg"]
    (shots / "detections.json").write_text(json.dumps(facts))
    words = ("--detections-json", shots / "detections.json")
    assert run(shots / "pictures", decided["sure"], shots / "out", *words) == 0
    assert [r["species"] for r in table(shots / "out/species.csv")] == ["empty"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "give either --detector or --detections-json"),
        (["--detector", "none.pb"], "none.pb: no such file"),
        (["--detections-json", "DETECTIONS", "--threshold", "0"], "--threshold must be above 0"),
        (["--detections-json", "DETECTIONS", "--sort_into", "PICTURES"], "is the folder of"),
        (["--detections-json", "DETECTIONS", "--sort_into", "INSIDE"], "is in the folder of"),
    ],
)
def test_what_cannot_be_is_refused(words, said, decided, shots, capsys):
    places = {"DETECTIONS": shots / "detections.json", "PICTURES": shots / "pictures"}
    places["INSIDE"] = shots / "pictures" / "sorted"
    words = [places.get(word, word) for word in words]
    assert run(shots / "pictures", decided["sure"], shots / "out", *words) == 2
    assert said in capsys.readouterr().err
    assert not (shots / "out").exists()


@pytest.mark.slow
def test_with_a_detector_pictures_are_detected_once(decided, tmp_path, capsys):
    world, detector = tmp_path / "world", tmp_path / "demo.pb"
    words = [str(world), "--images", "12", "--corrupt_files", "none", "--detector", str(detector)]
    assert make_demo_dataset.main(words) == 0
    words = (world / "images", decided["sure"], tmp_path / "out", "--detector", detector)
    assert run(*words) == 0
    assert {r["file"] for r in table(tmp_path / "out/species.csv")} == {
        path.relative_to(world / "images").as_posix() for path in world.rglob("*.jpg")
    }
    assert {r["species"] for r in table(tmp_path / "out/species.csv")} & set(LABELS)
    capsys.readouterr()
    assert run(*words) == 0
    assert "0 of 12 pictures are to be detected" in capsys.readouterr().err


def test_one_unknown_animal_makes_its_row_unknown_even_where_it_is_accepted(tmp_path):
    header = Header({}, {"1": "animal"}, {"0": "fox", "1": "hare"})
    names = Names(header, 0.5, {"fox": 0.0}, {("a.jpg", 2), ("b.jpg", 1)})
    box = Box("1", 0.9, (0, 0, 1, 1), (("0", 0.8),))
    faint, hare = box._replace(conf=0.1), box._replace(classifications=(("1", 0.7),))
    images = [Image("a.jpg", (box, hare, box)), Image("b.jpg", (box, faint))]
    rows = [(row.file, row.species, row.decision) for row in species.rows(images, tmp_path, names)]
    assert rows == [
        ("a.jpg", "fox", "unknown: look"),
        ("a.jpg", "hare", "look at it"),
        ("b.jpg", "fox", "accepted"),  # its second box is below the threshold
    ]
