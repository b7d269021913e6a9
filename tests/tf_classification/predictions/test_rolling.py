"""``roll_up``: what labels are, by three sources; what there can be; what is written."""

from __future__ import annotations

import csv
import gzip
import io
import json

import pytest

from tf_classification import roll_up as command

LABELS = ("red fox", "wolf", "hare", "empty")
TAXA = {
    "red fox": "mammalia carnivora canidae vulpes vulpes_vulpes",
    "wolf": "mammalia carnivora canidae canis canis_lupus",
    "hare": "mammalia lagomorpha leporidae lepus lepus_europaeus",
}
RANKS = ("class", "order", "family", "genus", "species")
NAMES = [f"a/{i}.jpg___crop00_mdv4.1.jpg" for i in range(3)]
ROWS = ((0.45, 0.35, 0.2, 0.0), (0.9, 0.05, 0.05, 0.0), (0.1, 0.1, 0.1, 0.7))


class Folder:
    """Three crops, their detections, and what the labels are, as a bundle's JSON and as a CSV."""

    def __init__(self, path):
        self.path = path
        rows = [[name, *map(str, row)] for name, row in zip(NAMES, ROWS, strict=True)]
        self.table("out.csv", [["path", *LABELS], *rows])
        box = {"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]}
        images = [{"file": name.partition("___")[0], "detections": [box]} for name in NAMES]
        self.write(
            "md.json",
            {
                "info": {"detector": "md_v4.1.0.pb", "format_version": "1.6"},
                "detection_categories": {"1": "animal"},
                "images": images,
            },
        )
        head = ["dataset_name", "query", "taxonomy_level", "scientific_name", *RANKS]
        lineages = {label: text.replace("_", "-").split() for label, text in TAXA.items()}
        known = {n: [x.replace("-", " ") for x in way] for n, way in lineages.items()}
        said = [["ds", name, "species", way[-1], *way] for name, way in known.items()]
        self.table("taxonomy.csv", [head, *said])

    def write(self, name, table):
        (self.path / name).write_text(table if isinstance(table, str) else json.dumps(table))

    def table(self, name, rows):
        self.write(name, "".join(f"{','.join(row)}\n" for row in rows))

    def run(self, *flags, taxa=("--taxonomy", "taxonomy.csv")):
        words = ["out.csv", "-o", "rolled", "-j", "md.json", "-n", "net", "-t", "0.01"]
        return command.main([*words, "--round", *taxa, *flags])

    def merged(self, *flags, **kwargs):
        assert self.run(*flags, **kwargs) == 0
        return json.loads((self.path / "rolled/detections.json").read_text())

    def classes(self, *flags, **kwargs):
        """Return each box's classes by their names."""
        merged = self.merged(*flags, **kwargs)
        names = merged["classification_categories"]
        boxes = [image["detections"][0] for image in merged["images"]]
        return [{names[i]: conf for i, conf in box.get("classifications", ())} for box in boxes]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Folder(tmp_path)


def test_answers_stand_first_with_the_labels_below_them_and_what_was_said_beside(folder):
    merged = folder.merged()
    names = merged["classification_categories"]
    first = merged["images"][0]["detections"][0]
    assert [(names[i], conf) for i, conf in first["classifications"]] == [
        ("family canidae", 0.8),
        ("red fox", 0.45),
        ("wolf", 0.35),
    ]
    own = {names[i]: conf for i, conf in first["own_classifications"]}
    assert own == {"red fox": 0.45, "wolf": 0.35, "hare": 0.2}
    assert folder.classes()[1:] == [{"red fox": 0.9}, {"empty": 0.7}]
    assert merged["info"]["classifier_metadata"] == {
        "rolled_up": {"tables": ["out.csv"], "target": 0.65, "taxonomy": "taxonomy.csv"}
    }


def test_the_table_has_what_the_json_has(folder):
    folder.merged()
    text = gzip.decompress((folder.path / "rolled/classifier_output.csv.gz").read_bytes()).decode()
    row = next(csv.DictReader(io.StringIO(text)))
    found = {name: float(value) for name, value in row.items() if name != "path" and float(value)}
    assert found == pytest.approx({"family canidae": 0.8, "red fox": 0.45, "wolf": 0.35})
    index = json.loads((folder.path / "rolled/label_index.json").read_text())
    assert list(index.values()) == list(row)[1:]


def test_a_higher_target_answers_higher_up(folder):
    assert folder.classes("--target", "0.95")[0] == {
        "class mammalia": 1.0,
        "red fox": 0.45,
        "wolf": 0.35,
        "hare": 0.2,
    }
    assert next(iter(folder.classes("--target", "0.4")[0])) == "red fox"


def test_a_label_spec_says_what_labels_are(folder):
    spec = {"red fox": "canidae", "hare": "lepus", "wolf": "canis lupus"}
    levels = {"red fox": "family", "hare": "genus", "wolf": "species"}
    rules = {n: {"taxa": [{"level": levels[n], "name": name}]} for n, name in spec.items()}
    folder.write("spec.json", rules)
    # The wolf is below what is called a fox here.
    assert folder.classes("--label_spec", "spec.json")[0] == {"red fox": 0.8, "wolf": 0.35}


def test_a_model_knows_what_its_labels_are(folder):
    from tf_classification.models.description import Description

    def lineage(label):
        names = [name.replace("_", " ") for name in TAXA[label].split()]
        pairs = [{"level": x, "name": y} for x, y in zip(RANKS, names, strict=True)]
        return [{**pairs[-1], "lineage": pairs[:-1]}]

    table = Description(LABELS, "demo-cnn", 32).to_json()
    folder.write("model.json", {**table, "taxonomy": {label: lineage(label) for label in TAXA}})
    expected = folder.classes()
    assert folder.classes(taxa=("--model", "model.tflite")) == expected
    # Taxa of the model, lineages of the CSV.
    bare = {label: [{**lineage(label)[0], "lineage": []}] for label in TAXA}
    folder.write("model.json", {**table, "taxonomy": bare})
    both = ("--model", "model.tflite", "--taxonomy", "taxonomy.csv")
    assert folder.classes(taxa=both) == expected


def test_a_list_of_what_there_can_be_renormalises(folder):
    folder.write("list.txt", "family canidae\n")
    assert folder.classes("--allow_list", "list.txt") == [
        {"family canidae": 1.0, "red fox": 0.5625, "wolf": 0.4375},  # 0.45 / 0.8
        {"red fox": 0.9474},  # 0.9 / 0.95
        {"family canidae": 1.0, "red fox": 0.5, "wolf": 0.5},
    ]


def test_a_crop_of_impossible_labels_only_has_no_class(folder, capsys):
    folder.write("list.txt", "empty\n")
    assert folder.classes("--allow_list", "list.txt") == [{}, {}, {"empty": 1.0}]
    assert "2 crops are only of labels that there cannot be" in capsys.readouterr().err


def test_a_geofence_says_what_there_can_be(folder):
    key = "mammalia;carnivora;canidae;vulpes;vulpes"
    folder.write("fence.json", {key: {"block": {"AUS": []}, "allow": {}}})
    fence = ("--geofence", "fence.json", "--country")
    assert folder.classes(*fence, "FIN") == folder.classes()
    assert folder.classes(*fence, "AUS")[1] == {"class mammalia": 1.0, "wolf": 0.5, "hare": 0.5}
    told = folder.merged(*fence, "AUS")["info"]["classifier_metadata"]["rolled_up"]
    assert (told["geofence"], told["country"]) == ("fence.json", "AUS")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--target", "0"), "--target must be above 0 and at most 1, got 0.0"),
        (("--country", "KEN"), "--geofence and --country need each other"),
        (("--geofence", "bad.json", "--country", "Kenya"), "3 capital letters, got 'Kenya'"),
        (("--geofence", "bad.json", "--country", "KEN"), "bad.json: 'lion': expected class;order"),
        (("--allow_list", "list.txt"), "list.txt: 'unicorn' is no label, nor a taxon of one"),
        (("--model", "m", "--label_spec", "spec.json"), "give --model or --label_spec, not both"),
    ],
)
def test_what_makes_no_sense_is_said(folder, capsys, flags, said):
    folder.write("bad.json", {"lion": {}})
    folder.write("list.txt", "hare\nunicorn\n")
    assert folder.run(*flags) == 2
    assert said in capsys.readouterr().err
    assert not (folder.path / "rolled").exists()


def test_rows_that_are_no_crops_are_told_of_the_table_that_has_them(folder, capsys):
    folder.write("out.csv", (folder.path / "out.csv").read_text() + "a.jpg,0,0,0,0\n")
    assert folder.run() == 2
    assert "out.csv: a.jpg: 'a.jpg' is not a crop name" in capsys.readouterr().err
    assert not list((folder.path / "rolled").glob("*"))


def test_labels_must_be_known_from_somewhere(folder, capsys):
    assert folder.run(taxa=()) == 2
    assert "give --model or --taxonomy" in capsys.readouterr().err
    folder.write("taxonomy.csv", (folder.path / "taxonomy.csv").read_text().replace("fox", "x"))
    folder.write("out.csv", f"path,unicorn,empty\n{NAMES[0]},1,0\n")
    assert folder.run() == 2
    assert "taxonomy.csv: no label is a taxon of it" in capsys.readouterr().err
