"""json_validator: from a specification, a taxonomy and a label database to the queried images."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from database_tools import json_validator
from database_tools.core.label_entries import Picture, Said
from database_tools.formats import label_taxa, ledger_json, queried_images
from database_tools.labels_db import importing
from database_tools.labels_db.importing import Place

ROOT = Path(__file__).parents[2]
COLUMNS = [
    "dataset_name",
    "query",
    "source",
    "taxonomy_level",
    "scientific_name",
    "taxonomy_string",
]
MAMMALS = [("class", "mammalia"), ("kingdom", "animalia")]
DOGS = [("genus", "canis"), ("family", "canidae"), *MAMMALS]
FOX = [("species", "vulpes vulpes"), ("genus", "vulpes"), ("family", "canidae"), *MAMMALS]
DEER = [("species", "odocoileus hemionus"), ("family", "cervidae"), *MAMMALS]
TAXONOMY = [
    ("caltech", "coyote", [("species", "canis latrans"), *DOGS]),
    ("idfg", "fox", FOX),
    ("idfg", "muledeer", DEER),
    ("idfg", "wolf", [("species", "canis lupus"), *DOGS]),
    ("idfg", "empty", []),
]
SPEC = {
    "canid": {"taxa": [{"level": "family", "name": "canidae"}]},
    "cervid": {"taxa": [{"level": "family", "name": "cervidae"}]},
}


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


class World:
    """A folder with a taxonomy, a specification and a database."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"
        self.spec(SPEC)
        self.taxonomy(TAXONOMY)

    def taxonomy(self, rows):
        with (self.folder / "taxonomy.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for dataset, label, lineage in rows:
                level, name = lineage[0] if lineage else ("", "")
                string = str([(i, *taxon, []) for i, taxon in enumerate(lineage)])
                text = string if lineage else ""
                writer.writerow([dataset, label, "gbif", level, name, text])

    def spec(self, table):
        (self.folder / "spec.json").write_text(json.dumps(table), encoding="utf-8")

    def put(self, dataset, *pictures, **place):
        """Import (file, class, more) each; a class in capitals is its sequence's."""
        entries = []
        for key, (file, classes, *more) in enumerate(pictures):
            entries.append(Picture(key, file, **dict(*more)))
            entries += [Said(key, c.lower(), of_sequence=c.isupper()) for c in classes.split()]
        db = self.folder / "labels.db"
        importing.run(db, Place(dataset, **place), entries, self.folder / dataset)

    def run(self, *flags, status=0, asked=True):
        words = [self.folder / "spec.json", self.folder / "taxonomy.csv"]
        words += ["--db", self.folder / "labels.db", "-o", self.out] if asked else []
        assert json_validator.main([str(word) for word in (*words, *flags)]) == status

    def json(self, name):
        return json.loads((self.out / name).read_text("utf-8"))

    @property
    def queried(self):
        return self.json(queried_images.NAME)

    @property
    def dropped(self):
        return ledger_json.read(self.out / "json_validator_ledger.json").dropped

    @property
    def log(self):
        (path,) = self.out.glob("json_validator_log_*.json")
        return json.loads(path.read_text("utf-8"))


def test_the_files_their_keys_and_their_order_are_the_originals(world):
    world.put("idfg", ("b.jpg", "fox", {"location": 13}), ("a.jpg", "muledeer"), path_prefix="x")
    world.put("caltech", ("z.jpg", "coyote", {"no_boxes": True, "location": "013"}))
    world.run("--json-indent", "1")
    expected = {
        "caltech/z.jpg": {
            **{"dataset": "caltech", "location": "013", "class": "coyote"},
            **{"bbox": [], "label": ["canid"]},
        },
        "idfg/x/a.jpg": {"dataset": "idfg", "class": "muledeer", "label": ["cervid"]},
        "idfg/x/b.jpg": {
            **{"dataset": "idfg", "location": 13, "class": "fox", "label": ["canid"]},
        },
    }
    text = (world.out / queried_images.NAME).read_text("utf-8")
    assert text == json.dumps(expected, indent=1)
    assert (world.out / "included_dataset_labels.txt").read_text("utf-8") == (
        "{'canid': {('caltech', 'coyote'), ('idfg', 'fox'), ('idfg', 'wolf')},\n"
        " 'cervid': {('idfg', 'muledeer')}}\n"
    )
    assert world.json("image_counts_by_label_presample.json") == {"canid": 2, "cervid": 1}
    assert world.json("image_counts_by_label_sampled.json") == {"canid": 2, "cervid": 1}
    assert world.log == {"nonimage_files": []}


def test_the_worked_example_with_its_fault_mended(world):
    # 5 candidates of caltech, which has priority, and 9 of idfg: the original took 5 of 6
    spec = {**SPEC["canid"], "max_count": 6, "prioritize": [["caltech"]]}
    world.spec({"canid": spec})
    world.put("caltech", *((f"{i}.jpg", "coyote") for i in range(5)))
    world.put(
        "idfg",
        *((f"{i}.jpg", "FOX") for i in range(9)),
        ("two.jpg", "FOX MULEDEER"),  # a sequence of two classes is not matched
        ("own.jpg", "muledeer FOX"),  # the image's class beats the sequence's
        ("film.avi", "fox"),
    )
    world.run()
    assert len(world.queried) == 6
    assert sum(name.startswith("caltech/") for name in world.queried) == 5
    assert world.json("image_counts_by_label_presample.json") == {"canid": 14}
    assert world.json("image_counts_by_label_sampled.json") == {"canid": 6}
    assert world.log == {"nonimage_files": ["idfg/film.avi"]}
    assert {reason: len(names) for reason, names in world.dropped.items()} == {
        "file name that is not an image's": 1,
        "more than max_count": 8,
        "several categories": 1,
    }


def test_the_same_seed_chooses_the_same_whatever_the_hash_seed(world):
    world.spec({"canid": {**SPEC["canid"], "max_count": 20}})
    world.put("idfg", *((f"{i}.jpg", "fox") for i in range(60)))
    found = set()
    for hash_seed in "012":
        words = [
            *("-m", "database_tools.json_validator"),
            *(str(world.folder / name) for name in ("spec.json", "taxonomy.csv")),
            *("--db", str(world.folder / "labels.db"), "-o", str(world.out)),
        ]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        subprocess.run([sys.executable, *words], cwd=ROOT, env=environment, check=True)
        names = (queried_images.NAME, "included_dataset_labels.txt")
        found.add(tuple((world.out / name).read_bytes() for name in names))
    assert len(found) == 1
    before = world.queried
    world.run("--seed", "124")
    assert world.queried != before


def test_without_an_output_folder_the_dataset_labels_are_printed_and_nothing_is_asked(
    world, capsys
):
    world.run(asked=False)
    assert "'cervid': {('idfg', 'muledeer')}" in capsys.readouterr().out
    assert not world.out.exists()


def test_a_dataset_whose_name_begins_as_anothers_is_sorted_by_path(world):
    world.spec({"fox": {"dataset_labels": {"a": ["fox"], "a-b": ["fox"]}}})
    world.put("a", ("x.jpg", "fox"))
    world.put("a-b", ("x.jpg", "fox"))
    world.run()
    assert list(world.queried) == ["a-b/x.jpg", "a/x.jpg"]


def test_names_of_the_database_may_have_capitals(world):
    entries = [Picture(1, "a.jpg"), Said(1, "Fox")]
    importing.run(world.folder / "labels.db", Place("IDFG"), entries, world.folder)
    world.run()
    assert world.queried["IDFG/a.jpg"]["class"] == "Fox"


def test_known_mislabeled_images_are_corrected_or_left_out(world):
    folder = world.folder / "megadb_mislabeled"
    folder.mkdir()
    rows = "file,correct_class\np/1.jpg,muledeer\np/2.jpg,\np/3.jpg,cat\nelsewhere.jpg,fox\n"
    (folder / "idfg.csv").write_text(rows, encoding="utf-8")
    world.put("idfg", *((f"{i}.jpg", "fox") for i in range(5)), path_prefix="p/")
    world.run("--mislabeled-images", folder)
    assert {name: (x["class"], x["label"]) for name, x in world.queried.items()} == {
        "idfg/p/0.jpg": ("fox", ["canid"]),
        "idfg/p/1.jpg": ("muledeer", ["cervid"]),
        "idfg/p/4.jpg": ("fox", ["canid"]),
    }
    assert world.dropped == {"known to be mislabeled": ["idfg/p/2.jpg", "idfg/p/3.jpg"]}


def test_images_that_are_not_there_are_left_out(world):
    images = world.folder / "images"
    (images / "idfg").mkdir(parents=True)
    (images / "idfg" / "a.jpg").touch()
    world.put("idfg", ("a.jpg", "fox"), ("b.jpg", "fox"))
    world.run("-c", images)
    assert list(world.queried) == ["idfg/a.jpg"]
    assert world.log == {"nonimage_files": [], "nonexistent_images": ["idfg/b.jpg"]}


def test_a_folder_may_have_any_name(world, monkeypatch):
    monkeypatch.chdir(world.folder)
    (world.folder / "blobs" / "idfg").mkdir(parents=True)
    (world.folder / "blobs" / "idfg" / "a.jpg").touch()
    world.put("idfg", ("a.jpg", "fox"))
    world.run("-c", "blobs")
    world.run("--explain", "table")
    assert (world.folder / "table").is_file()


def test_labels_of_few_locations_are_left_out(world):
    # 13 and "13" are one location, none is one too; cervid has two, canid one
    world.put(
        "idfg",
        ("a.jpg", "fox", {"location": 13}),
        ("b.jpg", "fox", {"location": "13"}),
        ("c.jpg", "muledeer"),
        ("d.jpg", "muledeer", {"location": "x"}),
    )
    world.run("--min-locs", "2")
    assert list(world.queried) == ["idfg/c.jpg", "idfg/d.jpg"]
    assert world.log == {"nonimage_files": [], "labels with < 2 locs": [["canid"]]}
    assert world.json("image_counts_by_label_presample.json") == {"canid": 0, "cervid": 2}


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ((), {"own.jpg", "alone.jpg", "burst.jpg", "unknown.jpg"}),
        (("--sequence_labels", "drop"), {"own.jpg"}),
        (("--sequence-labels", "single"), {"own.jpg", "alone.jpg"}),
    ],
)
def test_labels_of_sequences_are_decided_and_counted(world, flags, kept):
    world.put(
        "idfg",
        ("own.jpg", "fox", {"sequence": "s"}),
        ("alone.jpg", "FOX", {"sequence": "a"}),
        ("burst.jpg", "FOX", {"sequence": "s"}),
        ("unknown.jpg", "FOX"),
    )
    world.run(*flags)
    assert {name.removeprefix("idfg/") for name in world.queried} == kept
    dropped = world.dropped.get("label of the whole sequence only", [])
    assert len(dropped) == 4 - len(kept)


def test_images_of_several_classes_are_decided_and_counted(world):
    world.put(
        "idfg",
        ("both.jpg", "fox muledeer"),
        ("same.jpg", "fox wolf"),
        ("other.jpg", "fox cat"),
        ("one.jpg", "fox"),
    )
    world.run()
    assert list(world.queried) == ["idfg/one.jpg"]
    assert len(world.dropped["several categories"]) == 3
    world.run("--multiple_labels", "keep")
    assert {name: x["label"] for name, x in world.queried.items()} == {
        "idfg/both.jpg": ["canid", "cervid"],
        "idfg/one.jpg": ["canid"],
        "idfg/same.jpg": ["canid"],
    }
    assert world.dropped == {"several classes, not all of them wanted": ["idfg/other.jpg"]}
    assert len(list(queried_images.read(world.out / queried_images.NAME))) == 3


def test_labels_that_share_dataset_labels_are_an_error_unless_allowed(world, capsys):
    world.spec({**SPEC, "dog": {"taxa": [{"level": "genus", "name": "canis"}]}})
    world.put("idfg", ("a.jpg", "wolf"))
    world.run(status=2)
    assert "canid and dog share 2 dataset labels: caltech/coyote, idfg/wolf" in (
        capsys.readouterr().err
    )
    world.run("--allow-multilabel")
    assert world.queried["idfg/a.jpg"]["label"] == ["canid", "dog"]


def test_what_the_labels_stand_for_lies_beside_them(world):
    world.spec({**SPEC, "dog": {"dataset_labels": {"idfg": ["Wolf"], "x": ["dog"]}}})
    world.put("idfg", ("a.jpg", "fox"))
    world.run("--allow-multilabel")
    found = label_taxa.read(world.out, ["canid", "cervid", "dog"])
    assert [(t.level, t.name) for t in found["dog"]] == [("species", "canis lupus")]
    assert found["dog"][0].lineage == (
        *(("kingdom", "animalia"), ("class", "mammalia")),
        *(("family", "canidae"), ("genus", "canis")),
    )


@pytest.mark.parametrize(
    ("spec", "flags", "message"),
    [
        (
            {"a": {"taxa": [{"level": "family", "name": "canid"}]}},
            (),
            "did you mean family canidae",
        ),
        ({"a": {"taxa": []}}, (), 'spec.json: "a": matches no dataset label'),
        (
            {"a": {**SPEC["canid"], "prioritize": [["idfg"]]}},
            (),
            'spec.json: "a": prioritize needs max_count',
        ),
        ({"a": {"dataset_labels": {"no": ["fox"]}}}, (), "no picture is left"),
        (SPEC, ("--min-locs", "0"), "--min-locs must be at least 1, got 0"),
        (SPEC, ("-m", "/nowhere"), "/nowhere: no such folder, given as --mislabeled-images"),
    ],
)
def test_a_request_that_cannot_be_met_is_one_line(world, capsys, spec, flags, message):
    world.put("idfg", ("a.jpg", "fox"))
    world.spec(spec)
    words = [str(world.folder / "spec.json"), str(world.folder / "taxonomy.csv"), *flags]
    words += ["--db", str(world.folder / "labels.db"), "-o", str(world.out)]
    assert json_validator.main(words) == 2
    assert message in capsys.readouterr().err


def test_a_taxon_of_two_parents_is_an_error_where_only_one_is_allowed(world, capsys):
    world.taxonomy([*TAXONOMY, ("x", "fox", [FOX[0], ("family", "canidae"), *MAMMALS])])
    world.put("idfg", ("a.jpg", "fox"))
    world.run()
    world.run("--single-parent-taxonomy", status=2)
    assert "line 7: species vulpes vulpes has the parents family canidae, genus vulpes" in (
        capsys.readouterr().err
    )
    parents = world.folder / "parents.csv"
    parents.write_text("child,parent\nspecies vulpes vulpes,genus vulpes\n", encoding="utf-8")
    world.run("--single-parent-taxonomy", "--taxonomy_parents", parents)


def test_where_the_labels_are_is_a_flag_or_a_variable(world, capsys, monkeypatch):
    for name in ("TF_CLASSIFICATION_DB", "COSMOS_ENDPOINT", "COSMOS_KEY"):
        monkeypatch.delenv(name, raising=False)
    world.put("idfg", ("a.jpg", "fox"))
    world.run("-o", world.out, asked=False, status=2)
    error = capsys.readouterr().err
    for name in ("--db", "TF_CLASSIFICATION_DB", "COSMOS_ENDPOINT", "COSMOS_KEY"):
        assert name in error
    monkeypatch.setenv("TF_CLASSIFICATION_DB", str(world.folder / "labels.db"))
    world.run("-o", world.out, asked=False)
    assert list(world.queried) == ["idfg/a.jpg"]


EQUIDS = [("family", "equidae"), *MAMMALS]
DOUBLES = [
    *TAXONOMY,
    ("a", "dog", [("species", "canis familiaris"), *DOGS]),
    (
        "b",
        "dog",
        [("subspecies", "canis lupus familiaris"), ("species", "canis lupus"), *DOGS],
    ),
    ("a", "zebra", [("species", "equus quagga"), ("genus", "equus"), *EQUIDS]),
    ("b", "zebra", [("genus", "zebra"), *EQUIDS]),
    ("c", "fox", [FOX[0], ("family", "canidae"), *MAMMALS]),
]


def test_explaining_counts_each_label_and_names_what_is_doubtful(world, capsys):
    world.taxonomy(DOUBLES)
    world.spec(
        {
            **SPEC,
            "horse": {
                "taxa": [{"level": "family", "name": "equidae"}],
                "dataset_labels": {"idfg": ["hors"], "idf": ["x"]},
                "exclude": {"dataset_labels": {"a": ["zebr"]}},
            },
        }
    )
    world.put(
        "idfg",
        ("a.jpg", "fox", {"location": 1}),
        ("b.jpg", "wolf", {"location": 1}),
        ("c.jpg", "horse"),
        ("d.jpg", "fox", {"location": 2}),
    )
    path = world.folder / "explained.json"
    world.run("--explain", path)
    found = json.loads(path.read_text("utf-8"))
    counts = {label: (x["images"], x["locations"]) for label, x in found["labels"].items()}
    assert counts == {"canid": (3, 2), "cervid": (0, 0), "horse": (0, 0)}
    assert found["labels"]["cervid"]["dataset_labels"] == [["idfg", "muledeer"]]
    assert found["errors"] == []
    assert found["warnings"] == [
        '"horse": nobody knows idfg/hors; did you mean horse?',
        '"horse": nobody knows the dataset idf; did you mean idfg?',
        '"horse".exclude: nobody knows a/zebr; did you mean zebra?',
        'genus zebra and species equus quagga may be one taxon under two names: both are "zebra"',
        "species canis familiaris and subspecies canis lupus familiaris may be one taxon "
        'under two names: both are "familiaris"',
        "species vulpes vulpes has the parents family canidae, genus vulpes; genus vulpes is taken",
    ]
    output = capsys.readouterr().out.splitlines()
    assert output[0] == "label   images  locations  taxa             dataset labels"
    assert output[2].split() == ["cervid", "0", "0", "family", "cervidae", "idfg/muledeer"]
    assert output[4] == 'warning: "horse": nobody knows idfg/hors; did you mean horse?'
    assert not world.out.exists()
    world.run("--explain", "--strict", status=2)


def test_explaining_tells_all_errors_at_once_and_needs_no_database(world, capsys, monkeypatch):
    monkeypatch.delenv("TF_CLASSIFICATION_DB", raising=False)
    world.spec(
        {
            **SPEC,
            "dog": {"taxa": [{"level": "genus", "name": "canis"}]},
            "cat": {"taxa": [{"level": "family", "name": "felidae"}]},
            "cow": {"taxa": [{"level": "family", "name": "bovidae"}]},
        }
    )
    world.run("--explain", asked=False, status=2)
    captured = capsys.readouterr()
    missing = "is not in the taxonomy; did you mean family cervidae?"
    assert [line for line in captured.out.splitlines() if line.startswith("error")] == [
        f'error: "cat".taxa[0]: family felidae {missing}',
        f'error: "cow".taxa[0]: family bovidae {missing}',
        "error: canid and dog share 2 dataset labels: caltech/coyote, idfg/wolf",
    ]
    assert captured.out.splitlines()[1].split()[:3] == ["canid", "-", "-"]
    assert captured.err.count("error:") == 1


def test_strict_is_of_the_explanation(world, capsys):
    world.run("--strict", status=2)
    assert "--strict needs --explain" in capsys.readouterr().err
