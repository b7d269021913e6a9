"""What lives where, by SpeciesNet's rules."""

from __future__ import annotations

import pytest

from database_tools.core import geofence
from database_tools.core.geofence import Rule
from database_tools.core.taxa import Taxon

LION = Taxon(
    "species",
    "panthera leo",
    (
        ("kingdom", "animalia"),
        ("class", "mammalia"),
        ("order", "carnivora"),
        ("family", "felidae"),
        ("subfamily", "pantherinae"),
        ("genus", "panthera"),
    ),
)


@pytest.mark.parametrize(
    ("allow", "block", "part", "holds"),
    [
        ({}, {}, None, True),
        ({"USA": []}, {}, "CA", True),
        ({"USA": ["NV"]}, {}, None, True),  # nobody said which part
        ({"USA": ["NV"]}, {}, "CA", False),
        ({"CAN": []}, {}, None, False),
        ({}, {"CAN": []}, None, True),
        ({}, {"USA": []}, "CA", False),
        ({}, {"USA": ["CA"]}, "CA", False),
        ({}, {"USA": ["CA"]}, None, True),
        ({"USA": []}, {"USA": ["CA"]}, "CA", False),
    ],
)
def test_a_rule_in_the_usa(allow, block, part, holds):
    assert Rule(allow, block).holds("USA", part) == holds


def test_a_taxon_is_named_by_five_ranks():
    assert geofence.key(LION) == "mammalia;carnivora;felidae;panthera;leo"
    above = Taxon(*LION.lineage[4], LION.lineage[:4])
    assert geofence.key(above) == "mammalia;carnivora;felidae;;"


def test_a_label_lives_where_one_of_its_taxa_does():
    rules = {geofence.key(LION): Rule({"KEN": []})}
    other = Taxon("species", "puma concolor")
    assert not geofence.lives([LION], rules, "USA", None)
    assert geofence.lives([LION], rules, "KEN", None)
    assert geofence.lives([LION, other], rules, "USA", None)
    assert geofence.lives([], rules, "USA", None)
