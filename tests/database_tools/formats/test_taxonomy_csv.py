from __future__ import annotations

import csv

import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.formats import taxonomy_csv

COLUMNS = "dataset_name,query,source,taxonomy_level,scientific_name,common_name,taxonomy_string"

ANIMAL = [("kingdom", "animalia")]
AVES = [("class", "aves"), *ANIMAL]
VULTURES = [("family", "cathartidae"), ("order", "cathartiformes"), *AVES]
HAWKS = [("order", "accipitriformes"), *AVES]
VULTURES_AGAIN = [("family", "cathartidae"), *HAWKS]
SQUIRRELS = [("family", "sciuridae"), ("order", "rodentia"), ("class", "mammalia"), *ANIMAL]
FOX_SQUIRREL = ("species", "sciurus niger")
DOGS = [("genus", "canis"), ("family", "canidae"), ("class", "mammalia"), *ANIMAL]


def string(lineage):
    return str([(i, level, name, ["it's", "b"]) for i, (level, name) in enumerate(lineage)])


def write(folder, rows, columns=COLUMNS):
    path = folder / "taxonomy.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns.split(","))
        writer.writerows(rows)
    return path


def row(dataset, label, lineage):
    level, name = lineage[0] if lineage else ("", "")
    return [dataset, label, "gbif", level, name, "", string(lineage) if lineage else ""]


@pytest.fixture
def table(tmp_path):
    rows = [
        row("Caltech", "Buzzard", HAWKS),
        row("idfg", "vulture", VULTURES),
        row("other", "vulture", VULTURES_AGAIN),
        row("caltech", "squirrel", [("genus", "sciurus"), *SQUIRRELS]),
        # a squirrel that a source puts below its genus and also right below its family
        row(
            "idfg", "fox squirrel", [("species", "sciurus niger"), ("genus", "sciurus"), *SQUIRRELS]
        ),
        row("other", "fox squirrel", [("species", "sciurus niger"), *SQUIRRELS]),
        row("idfg", "wolf", [("species", "canis lupus"), *DOGS]),
        row("idfg", "dog", DOGS),
        row("idfg", "empty", []),
    ]
    return write(tmp_path, rows)


def test_a_taxon_of_two_parents_takes_the_lower_one_or_that_of_the_table(table):
    tree = taxonomy_csv.read(table)
    assert tree.parent(("species", "sciurus niger")) == ("genus", "sciurus")
    assert tree.parent(("family", "cathartidae")) == ("order", "accipitriformes")
    assert tree.dataset_labels(("order", "cathartiformes")) == frozenset()
    assert tree.dataset_labels(("order", "accipitriformes")) == {
        ("caltech", "buzzard"),
        ("idfg", "vulture"),
        ("other", "vulture"),
    }


def test_the_edges_that_the_worked_example_removes(tmp_path):
    tribe = [("genus", "sciurus"), ("tribe", "sciurini"), *SQUIRRELS]
    rows = [
        row("caltech", "buzzard", HAWKS),
        row("idfg", "vulture", VULTURES),
        row("caltech", "squirrel", tribe),
        row("idfg", "squirrel", [("genus", "sciurus"), *SQUIRRELS]),
        row("sds", "x", VULTURES_AGAIN),
    ]
    tree = taxonomy_csv.read(write(tmp_path, rows))
    assert tree.disputed == {
        ("genus", "sciurus"): (("family", "sciuridae"), ("tribe", "sciurini")),
        ("family", "cathartidae"): (("order", "accipitriformes"), ("order", "cathartiformes")),
    }
    assert tree.parent(("genus", "sciurus")) == ("tribe", "sciurini")  # not the higher one
    assert tree.parent(("family", "cathartidae")) == ("order", "accipitriformes")  # by the table
    under = tree.dataset_labels(("order", "accipitriformes"), ["caltech", "idfg"])
    assert sorted(under) == [("caltech", "buzzard"), ("idfg", "vulture")]
    assert not tree.dataset_labels(("order", "cathartiformes"))
    # animalia; aves, cathartiformes, accipitriformes, cathartidae; mammalia, rodentia,
    # sciuridae, sciurini, sciurus
    assert len(tree.taxa) == 10


def test_labels_below_a_taxon_are_those_of_the_datasets_asked_for(table):
    tree = taxonomy_csv.read(table)
    taxon = ("family", "sciuridae")
    everywhere = tree.dataset_labels(taxon)
    assert tree.dataset_labels(taxon, ["caltech"]) == {("caltech", "squirrel")}
    assert tree.dataset_labels(taxon) == everywhere  # asking changes nothing
    assert len(everywhere) == 3


def test_a_row_without_a_taxon_is_no_label_of_the_tree(table):
    assert ("idfg", "empty") not in taxonomy_csv.read(table).labels


def test_lineage_and_common_ancestor(table):
    tree = taxonomy_csv.read(table)
    wolf, dog = ("species", "canis lupus"), ("genus", "canis")
    assert tree.lineage(wolf) == (wolf, *map(tuple, DOGS))
    assert tree.common_ancestor([dog, wolf]) == dog
    assert tree.common_ancestor([wolf, ("genus", "sciurus")]) == ("class", "mammalia")
    assert tree.below(dog) == (dog, wolf)


def test_what_a_wrong_name_was_meant_to_be(table):
    tree = taxonomy_csv.read(table)
    assert tree.nearest(("species", "canis lupis")) == ("species", "canis lupus")
    assert tree.nearest(("order", "canidae")) == ("family", "canidae")
    assert tree.nearest(("genus", "xxxxxxx")) is None


BOVIDS = [
    row("a", "cow", [("family", "bovidae"), ("order", "artiodactyla"), *ANIMAL]),
    row("b", "cow", [("family", "bovidae"), ("order", "cetartiodactyla"), *ANIMAL]),
]
THIRD = row("c", "cow", [("family", "bovidae"), ("class", "mammalia"), *ANIMAL])


@pytest.mark.parametrize(("rows", "place"), [(BOVIDS, "line 3"), ([*BOVIDS, THIRD], "line 4")])
def test_parents_that_cannot_be_chosen_are_an_error_until_somebody_decides(tmp_path, rows, place):
    path = write(tmp_path, rows)
    with pytest.raises(FormatError) as error:
        taxonomy_csv.read(path)
    for part in (place, "family bovidae", "order artiodactyla, order cetartiodactyla"):
        assert part in str(error.value)
    parents = tmp_path / "parents.csv"
    parents.write_text("child,parent\nFamily Bovidae,order cetartiodactyla\n")
    tree = taxonomy_csv.read(path, parents)
    assert tree.parent(("family", "bovidae")) == ("order", "cetartiodactyla")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("family bovidae,order x", "no row has order x"),
        ("order x,family bovidae", "no row has order x"),
        ("kingdom animalia,family bovidae", "was put below itself"),
        ("bovidae,order artiodactyla", "line 2: expected LEVEL NAME, got 'bovidae'"),
    ],
)
def test_a_decision_that_makes_no_tree_is_an_error(tmp_path, text, message):
    parents = tmp_path / "parents.csv"
    parents.write_text(f"child,parent\n{text}\n")
    with pytest.raises(FormatError, match=message):
        taxonomy_csv.read(write(tmp_path, BOVIDS[:1]), parents)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([row("a", "x", [("genus", "a"), ("family", "b"), ("genus", "a")])], "above itself"),
        ([["a", "x", "", "genus", "b", "", string([("genus", "a")])]], "line 2: the columns say"),
        ([["a", "x", "", "genus", "a", "", "__import__('os')"]], "line 2: taxonomy_string must be"),
        ([["a", "x", "", "genus", "a", "", "[(1, 2)]"]], "line 2: taxonomy_string must be"),
        ([["a", "x", "", "genus", "a", "", "[" * 100_000]], "line 2: taxonomy_string must be"),
    ],
)
def test_a_row_that_breaks_a_rule_is_named(tmp_path, rows, message):
    with pytest.raises(FormatError, match=message):
        taxonomy_csv.read(write(tmp_path, rows))


def test_a_missing_column_or_file_is_named(tmp_path):
    with pytest.raises(FormatError, match="line 1: no column 'taxonomy_level'"):
        taxonomy_csv.read(write(tmp_path, [], "dataset_name,query"))
    with pytest.raises(UserError, match="no such file"):
        taxonomy_csv.read(tmp_path / "none.csv")


@pytest.mark.parametrize(
    "text",
    [
        "[(1, 'species', 'Canis Lupus', ['wolf', \"dog's\"]), (2, 'genus', 'canis', [])]",
        "[ (1,'species','canis lupus',['wolf']), (2, 'genus', 'canis', []), ]",
        '[(1, "species", "canis lupus", []), (2, "genus", "canis", ["(3, \'x\', \'y\', [])"])]',
        "((1, 'species', 'canis lupus', ()), (None, 'genus', 'canis', ()))",
    ],
)
def test_a_taxonomy_string_is_read_however_it_is_written(text):
    lineage = (("species", "canis lupus"), ("genus", "canis"))
    assert taxonomy_csv.parse_lineage(text) == lineage


def test_lilas_release_form_without_the_string_is_read_by_its_levels(tmp_path):
    columns = "dataset_name,query,taxonomy_level,scientific_name,kingdom,class,genus,species"
    rows = [
        ["A", "Wolf", "species", "Canis lupus", "Animalia", "mammalia", "canis", "canis lupus"],
        ["A", "empty", "", "", "", "", "", ""],
    ]
    tree = taxonomy_csv.read(write(tmp_path, rows, columns))
    assert tree.labels == {("a", "wolf"): ("species", "canis lupus")}
    assert tree.parent(("genus", "canis")) == ("class", "mammalia")
