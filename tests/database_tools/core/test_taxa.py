"""Taxa of labels: both ways through JSON, and what a label spec says without a lineage."""

from __future__ import annotations

import pytest

from database_tools.core import taxa
from database_tools.core.taxa import Taxon

ABOVE = (("family", "cervidae"), ("genus", "odocoileus"))
MULE_DEER = Taxon("species", "odocoileus hemionus", ABOVE)


def test_taxa_come_back_as_they_were():
    known = {
        "mule deer": (MULE_DEER,),
        "bird": (Taxon("class", "aves"), Taxon("order", "chiroptera")),
    }
    assert taxa.from_json(taxa.as_json(known)) == known


def test_a_taxon_of_a_label_spec_has_no_lineage():
    assert Taxon.from_json({"level": "class", "name": "aves"}) == Taxon("class", "aves")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], "a taxonomy is an object of labels"),
        ({"deer": "cervidae"}, "what 'deer' is must be a list of taxa, got 'cervidae'"),
        ({"deer": ["cervidae"]}, "a taxon is an object with level and name, got 'cervidae'"),
        ({"deer": [{"level": "family"}]}, "a taxon has level and name"),
        (
            {"deer": [{"level": "a", "name": "b", "lineage": "x"}]},
            "a lineage must be a list",
        ),
        ({"deer": [{"level": "a", "name": "b", "lineage": [{"name": "x"}]}]}, "level and name"),
    ],
)
def test_what_is_no_taxonomy_is_refused_in_words(table, message):
    with pytest.raises(ValueError, match=message):
        taxa.from_json(table)
