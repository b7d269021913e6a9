from __future__ import annotations

from database_tools.core import taxon_doubles
from database_tools.core.taxon_tree import TaxonomyRow, TaxonTree

DOGS = (("family", "canidae"), ("class", "mammalia"))
HORSES = (("family", "equidae"), ("class", "mammalia"))
CANIS, EQUUS = (("genus", "canis"), *DOGS), (("genus", "equus"), *HORSES)


def found(*rows):
    tree = TaxonTree.of([TaxonomyRow(f"ds{i}", *row, i) for i, row in enumerate(rows)])
    return [(double.first, double.second) for double in taxon_doubles.find(tree)]


def test_names_that_end_alike_in_one_family():
    species, subspecies = ("species", "canis familiaris"), ("subspecies", "canis lupus familiaris")
    wolf = ("species", "canis lupus")
    assert found(("dog", (species, *CANIS)), ("dog", (subspecies, wolf, *CANIS))) == [
        (species, subspecies)
    ]


def test_a_genus_that_is_named_as_a_species():
    genus, species = ("genus", "zebra"), ("species", "equus zebra")
    assert found(("zebra", (genus, *HORSES)), ("mountain", (species, *EQUUS))) == [(genus, species)]


def test_a_label_that_is_one_taxons_name_and_another_taxon_elsewhere():
    genus, species = ("genus", "zebra"), ("species", "equus quagga")
    assert found(("zebra", (genus, *HORSES)), ("zebra", (species, *EQUUS))) == [(genus, species)]


def test_what_is_no_double():
    wolf, fox = ("species", "canis lupus"), ("species", "vulpes vulpes")
    assert not found(
        ("wolf", (("subspecies", "canis lupus lupus"), wolf, *CANIS)),  # one below the other
        ("fox", (fox, ("genus", "vulpes"), *DOGS)),  # a species named as its own genus
        ("fox", (("species", "canis aureus"), *CANIS)),  # a word of people, no taxon's name
        ("x", (("species", "equus vulpes"), *EQUUS)),  # another family
        ("y", (("order", "lupus"), ("class", "mammalia"))),  # of no family
    )
