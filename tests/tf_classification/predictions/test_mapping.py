"""A classifier's labels and probabilities, mapped to the targets that somebody wants."""

from __future__ import annotations

import csv
import gzip
import json

import pytest

from database_tools.formats import target_mapping_json
from tf_classification import aggregate_classifier_probs, map_classification_categories

MAMMALS = [("class", "mammalia"), ("kingdom", "animalia")]
CANIDS = [("family", "canidae"), ("order", "carnivora"), *MAMMALS]
CERVIDS = [("family", "cervidae"), ("order", "artiodactyla"), *MAMMALS]
BIRDS = [("class", "aves"), ("kingdom", "animalia")]
LINEAGES = {
    "wolf": [("species", "canis lupus"), ("genus", "canis"), *CANIDS],
    "coyote": [("species", "canis latrans"), ("genus", "canis"), *CANIDS],
    "fox": [("species", "vulpes vulpes"), ("genus", "vulpes"), *CANIDS],
    "elk": [("species", "cervus canadensis"), ("genus", "cervus"), *CERVIDS],
    "mule deer": [("species", "odocoileus hemionus"), ("genus", "odocoileus"), *CERVIDS],
    "cat": [("species", "felis catus"), ("family", "felidae"), ("order", "carnivora"), *MAMMALS],
    "squirrel": [("family", "sciuridae"), ("order", "rodentia"), *MAMMALS],
    "turkey": [("species", "meleagris gallopavo"), ("family", "phasianidae"), *BIRDS],
    "vulture": [("family", "cathartidae"), *BIRDS],
}


def taxa(*pairs):
    return {"taxa": [{"level": level, "name": name} for level, name in pairs]}


CLASSIFIER = {
    "canis_spp": taxa(("genus", "Canis")),
    "fox": {"dataset_labels": {"Caltech": ["Fox"]}},
    "cat": taxa(("species", "felis catus")),
    "elk": taxa(("species", "cervus canadensis")),
    "mule deer": taxa(("species", "odocoileus hemionus")),
    "turkey": taxa(("species", "meleagris gallopavo")),
    "squirrel": taxa(("family", "sciuridae")),
}
TARGETS = {
    "canid": taxa(("family", "canidae")),
    "cervid": taxa(("family", "cervidae")),
    "bird_not_turkey_or_vulture": {
        **taxa(("class", "aves")),
        "exclude": taxa(("family", "cathartidae")),
    },
}


def map_labels(folder, targets, classifier=CLASSIFIER, *flags):
    with (folder / "taxonomy.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        columns = "dataset_name query source taxonomy_level scientific_name taxonomy_string"
        writer.writerow(columns.split())
        for label, lineage in LINEAGES.items():
            tuples = [(i, *taxon, []) for i, taxon in enumerate(lineage)]
            writer.writerow(["caltech", label, "gbif", *lineage[0], str(tuples)])
    (folder / "targets.json").write_text(json.dumps(targets))
    (folder / "classifier.json").write_text(json.dumps(classifier))
    inputs = [str(folder / name) for name in ("targets.json", "classifier.json", "taxonomy.csv")]
    status = map_classification_categories.main([*inputs, "-o", str(folder / "out.json"), *flags])
    return json.loads((folder / "out.json").read_text()) if status == 0 else status


def test_the_worked_example_gives_the_originals_mapping(tmp_path):
    expected = {
        "canid": ["canis_spp", "fox"],
        "cervid": ["elk", "mule deer"],
        "bird_not_turkey_or_vulture": ["turkey"],
        "other": ["cat", "squirrel"],
    }
    assert map_labels(tmp_path, TARGETS) == expected
    assert (tmp_path / "out.json").read_text() == json.dumps(expected, indent=1) + "\n"


def test_a_part_of_a_label_is_the_originals_error(tmp_path, capsys):
    assert map_labels(tmp_path, {"wolf": taxa(("species", "canis lupus"))}) == 2
    said = "error: Only partial overlap between target wolf and classifier label canis_spp\n"
    assert capsys.readouterr().err.endswith(said)


def test_a_target_named_other_keeps_its_labels(tmp_path):
    found = map_labels(
        tmp_path, {"other": taxa(("class", "aves")), "canid": taxa(("family", "canidae"))}
    )
    left = ["cat", "elk", "mule deer", "squirrel"]
    assert found == {"other": [*left, "turkey"], "canid": ["canis_spp", "fox"]}


def test_a_target_that_gets_nothing_is_there_and_evaluation_takes_it(tmp_path):
    targets = {"vulture": taxa(("family", "cathartidae")), "mammal": taxa(("class", "mammalia"))}
    classifier = {name: CLASSIFIER[name] for name in ("cat", "fox")}
    assert map_labels(tmp_path, targets, classifier) == {"vulture": [], "mammal": ["cat", "fox"]}
    read = target_mapping_json.read(tmp_path / "out.json", ("cat", "fox"), ("mammal", "vulture"))
    assert read.groups == ((0, 1), ())


def test_an_index_limits_the_classifiers_labels(tmp_path, capsys):
    index = tmp_path / "index.json"
    index.write_text('{"0": "fox", "1": "elk"}')
    found = map_labels(tmp_path, TARGETS, CLASSIFIER, "--classifier_label_index", str(index))
    assert found == {"canid": ["fox"], "cervid": ["elk"], "bird_not_turkey_or_vulture": []}
    index.write_text('{"0": "fox", "1": "wolverine"}')
    assert map_labels(tmp_path, TARGETS, CLASSIFIER, "-i", str(index)) == 2
    assert "classifier.json has no label 'wolverine'" in capsys.readouterr().err


def test_a_bare_output_name_is_in_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    map_labels(tmp_path, TARGETS)
    words = ["targets.json", "classifier.json", "taxonomy.csv", "--output", "bare.json"]
    assert map_classification_categories.main(words) == 0
    assert (tmp_path / "bare.json").read_text() == (tmp_path / "out.json").read_text()


def test_an_unknown_taxon_is_ignored_with_the_originals_line(tmp_path, capsys):
    targets = {"canid": taxa(("family", "canidae"), ("family", "Canid"))}
    assert map_labels(tmp_path, targets)["canid"] == ["canis_spp", "fox"]
    said = "Taxon (family, canid) not found in taxonomy graph. Ignoring."
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ({"x": taxa(("family", "unicorn"))}, '"x": stands for no taxon'),
        (
            {"x": {"dataset_labels": {"caltech": ["cow"]}}},
            '"x".dataset_labels."caltech": the taxonomy has no taxon for \'cow\'',
        ),
        (
            {"a": taxa(("family", "canidae")), "b": taxa(("genus", "canis"))},
            '"a" and "b": share 3 taxa: genus canis',
        ),
    ],
)
def test_a_specification_that_fits_no_taxonomy_is_named(tmp_path, capsys, targets, message):
    assert map_labels(tmp_path, targets) == 2
    assert f"targets.json: {message}" in capsys.readouterr().err


def test_what_is_excluded_from_an_exclusion_counts(tmp_path):
    less = {**taxa(("family", "canidae")), "exclude": taxa(("genus", "vulpes"))}
    targets = {"mammal": {**taxa(("class", "mammalia")), "exclude": less}}
    found = map_labels(tmp_path, targets)
    assert found["other"] == ["canis_spp", "turkey"]


def aggregate(folder, text, mapping, name="out.csv"):
    (folder / "in.csv").write_text(text)
    (folder / "map.json").write_text(json.dumps(mapping))
    words = [str(folder / "in.csv"), "-t", str(folder / "map.json")]
    words += ["-o", str(folder / name), "-i", str(folder / "index.json")]
    return aggregate_classifier_probs.main(words)


MAPPING = {"felid": ["cat"], "canid": ["canis_spp", "fox"], "other": ["elk"]}


def test_the_worked_example_gives_the_originals_sums(tmp_path):
    text = "path,cat,canis_spp,elk,fox\na.jpg___crop00_mdv4.1.jpg,0.1,0.2,0.3,0.4\n"
    assert aggregate(tmp_path, text, MAPPING) == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    row = "a.jpg___crop00_mdv4.1.jpg,0.6000000000000001,0.1,0.3"
    assert lines == ["path,canid,felid,other", row]
    index = {"0": "canid", "1": "felid", "2": "other"}
    assert json.loads((tmp_path / "index.json").read_text()) == index


def test_true_labels_weights_and_empty_targets_are_kept(tmp_path):
    text = "path,label,weight,cat,canis_spp,elk,fox\na,lynx,0.5,0.5,0.25,0.125,0.125\n"
    assert aggregate(tmp_path, text, {**MAPPING, "bird": []}, "out.csv.gz") == 0
    lines = gzip.decompress((tmp_path / "out.csv.gz").read_bytes()).decode().splitlines()
    assert lines == ["path,label,weight,bird,canid,felid,other", "a,lynx,0.5,0.0,0.375,0.5,0.125"]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"canid": ["canis_spp", "fox"], "felid": ["cat"]}, "label 'elk' is in no target"),
        ({**MAPPING, "cervid": ["elk"]}, "the label 'elk' is in 'other' too"),
        ({**MAPPING, "bird": ["owl"]}, "the classifier has no label 'owl'"),
    ],
)
def test_a_mapping_of_other_labels_writes_nothing(tmp_path, capsys, mapping, message):
    assert aggregate(tmp_path, "path,cat,canis_spp,elk,fox\n", mapping) == 2
    assert message in capsys.readouterr().err
    assert sorted(f.name for f in tmp_path.iterdir()) == ["in.csv", "map.json"]


def test_a_table_is_not_summed_into_itself(tmp_path, capsys):
    assert aggregate(tmp_path, "path,cat,canis_spp,elk,fox\n", MAPPING, "in.csv") == 2
    assert "in.csv: is the classifier's own table" in capsys.readouterr().err
