from __future__ import annotations

import pytest

from database_tools.core import label_query
from database_tools.core.label_query import LabelSpecError
from database_tools.core.label_spec import LabelRule, Selection, TaxonRule
from database_tools.core.taxon_tree import TaxonomyRow, TaxonTree

CERVIDS = (("family", "cervidae"), ("class", "mammalia"))
ROWS = [
    TaxonomyRow("idfg", "elk", (("species", "cervus canadensis"), *CERVIDS), 2),
    TaxonomyRow("idfg", "deer", CERVIDS, 3),
    TaxonomyRow("caltech", "deer", CERVIDS, 4),
    TaxonomyRow("idfg", "turkey", (("species", "meleagris gallopavo"), ("class", "aves")), 5),
]
TREE = TaxonTree.of(ROWS)


def resolve(**rules):
    return label_query.resolve(rules, TREE)


def test_a_label_is_the_union_of_its_taxa_and_dataset_labels_less_what_it_excludes():
    rule = LabelRule(
        taxa=(TaxonRule("Family", "Cervidae"),),
        dataset_labels={"Other": ("Moose",)},
        exclude=Selection(
            taxa=(TaxonRule("species", "cervus canadensis"),), dataset_labels={"caltech": ("deer",)}
        ),
    )
    assert resolve(cervid=rule) == {"cervid": {("idfg", "deer"), ("Other", "Moose")}}


def test_a_taxon_may_be_of_some_datasets_only():
    rule = LabelRule(taxa=(TaxonRule("family", "cervidae", ("caltech",)),))
    assert resolve(cervid=rule) == {"cervid": {("caltech", "deer")}}


def test_a_label_that_its_exclusions_empty_passes():
    birds = (TaxonRule("class", "aves"),)
    assert resolve(bird=LabelRule(taxa=birds, exclude=Selection(taxa=birds))) == {"bird": set()}


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        (LabelRule(), '"a": matches no dataset label'),
        (
            LabelRule(taxa=(TaxonRule("class", "mammalia"), TaxonRule("family", "cervid"))),
            '"a".taxa[1]: family cervid is not in the taxonomy; did you mean family cervidae?',
        ),
        (
            LabelRule(taxa=(TaxonRule("genus", "cervidae"),)),
            "genus cervidae is not in the taxonomy; did you mean family cervidae?",
        ),
        (LabelRule(taxa=(TaxonRule("class", "aves", ("x",)),)), '"a": matches no dataset label'),
        (
            LabelRule(taxa=(TaxonRule("class", "aves"),), exclude=Selection()),
            '"a".exclude: matches no dataset label',
        ),
    ],
)
def test_a_specification_that_cannot_be_met_is_named(rule, message):
    with pytest.raises(LabelSpecError) as error:
        resolve(a=rule)
    assert message in str(error.value)


def test_labels_that_share_dataset_labels_are_found():
    mammals = LabelRule(taxa=(TaxonRule("class", "mammalia"),))
    elk = LabelRule(dataset_labels={"idfg": ("elk", "turkey")})
    birds = LabelRule(taxa=(TaxonRule("class", "aves"),))
    found = label_query.overlaps(resolve(mammal=mammals, elk=elk, bird=birds))
    assert [(o.first, o.second, o.shared) for o in found] == [
        ("mammal", "elk", {("idfg", "elk")}),
        ("elk", "bird", {("idfg", "turkey")}),
    ]
    assert str(found[0]) == "mammal and elk share 1 dataset labels: idfg/elk"
