"""Masses of taxa by hand, and what must hold for any tree."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import tree_masses
from database_tools.core.taxa import Taxon
from database_tools.core.tree_masses import TreeMasses

RANKS = ("class", "order", "family", "genus", "species")


def taxon(*names):
    """Return the taxon that names from the class down lead to."""
    pairs = tuple(zip(RANKS, names, strict=False))
    return Taxon(*pairs[-1], lineage=pairs[:-1])


CANIDAE = ("mammalia", "carnivora", "canidae")
CERVIDAE = ("mammalia", "artiodactyla", "cervidae")
TAXONOMY = {
    "fox": (taxon(*CANIDAE, "vulpes", "vulpes vulpes"),),
    "wolf": (taxon(*CANIDAE, "canis", "canis lupus"),),
    "canid": (taxon(*CANIDAE),),
    "hare": (taxon("mammalia", "lagomorpha", "leporidae", "lepus", "lepus europaeus"),),
    "mule deer": (taxon(*CERVIDAE, "odocoileus", "odocoileus hemionus"),),
    "deer": (
        taxon(*CERVIDAE, "odocoileus", "odocoileus hemionus"),
        taxon(*CERVIDAE, "odocoileus", "odocoileus virginianus"),
    ),
    "elk": (taxon(*CERVIDAE, "cervus", "cervus canadensis"),),
    "empty": (),
}


def rolled(target, **probabilities):
    """Return the answer, and what is told of it, by name; ``_`` is a blank."""
    said = {name.replace("_", " "): value for name, value in probabilities.items()}
    tree = TreeMasses.of(list(said), TAXONOMY)
    masses = tree.masses(np.array([list(said.values())], np.float64))
    answers = tree.answers(masses, target)
    told = dict(zip(tree.names, tree.told(masses, answers)[0].tolist(), strict=True))
    return tree.names[answers[0]], {name: round(v, 6) for name, v in told.items() if v}


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        (0.3, "fox"),  # on the way into the heaviest children, not the wolf
        (0.45, "fox"),
        (0.65, "family canidae"),  # 0.45 + 0.35
        (0.8, "family canidae"),  # reached, whatever floats make of the sum
        (0.85, "class mammalia"),
        (1.0, "class mammalia"),
    ],
)
def test_the_lowest_taxon_that_reaches_the_target(target, answer):
    assert rolled(target, fox=0.45, wolf=0.35, hare=0.2)[0] == answer


def test_the_labels_below_the_answer_stay_and_others_go():
    _, told = rolled(0.65, fox=0.45, wolf=0.35, hare=0.2)
    assert told == {"family canidae": 0.8, "fox": 0.45, "wolf": 0.35}


def test_a_label_of_an_inner_taxon_is_that_taxon_and_has_its_own_mass_besides():
    answer, told = rolled(0.65, fox=0.4, wolf=0.2, canid=0.3, hare=0.1)
    assert (answer, told) == ("canid", {"canid": 0.9, "fox": 0.4, "wolf": 0.2})


def test_a_label_of_several_taxa_sits_at_their_lowest_common_ancestor():
    answer, told = rolled(0.65, deer=0.5, mule_deer=0.2, elk=0.1, hare=0.2)
    assert answer == "genus odocoileus"
    assert told == {"genus odocoileus": 0.7, "deer": 0.5, "mule deer": 0.2}
    assert rolled(0.75, deer=0.5, mule_deer=0.2, elk=0.1, hare=0.2)[0] == "family cervidae"
    # With nothing else there it is the ancestor itself.
    assert rolled(0.65, deer=0.7, elk=0.1, hare=0.2) == ("deer", {"deer": 0.7})


def test_what_is_no_taxon_is_right_below_the_root():
    assert rolled(0.65, empty=0.7, fox=0.3)[0] == "empty"
    answer, told = rolled(0.65, empty=0.4, fox=0.35, hare=0.25)
    assert answer == "undecided"
    assert told == {"undecided": 1.0, "empty": 0.4, "fox": 0.35, "hare": 0.25}


def test_a_name_that_would_be_two_things_is_refused():
    with pytest.raises(ValueError, match="'family canidae' is called as a taxon"):
        TreeMasses.of(["family canidae", "fox", "wolf"], {**TAXONOMY, "family canidae": ()})


def test_other_labels_get_what_the_impossible_ones_had():
    rows = np.array([[0.5, 0.3, 0.2], [1.0, 0.0, 0.0]])
    kept = tree_masses.renormalised(rows, [1, 2])
    assert kept == pytest.approx(np.array([[0, 0.6, 0.4], [0, 0, 0]]))


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("Fox", ["fox"]),
        ("canidae", ["fox", "wolf", "canid"]),
        ("family canidae", ["fox", "wolf", "canid"]),
        ("Odocoileus virginianus", ["deer"]),
        ("genus canidae", []),
    ],
)
def test_names_of_a_list_mean_labels_and_taxa_above_them(name, labels):
    found = tree_masses.listed(list(TAXONOMY), TAXONOMY, name)
    assert [list(TAXONOMY)[i] for i in found] == labels


def _lineage(path):
    pairs = tuple((RANKS[i], path[: i + 1]) for i in range(len(path)))
    return Taxon(*pairs[-1], lineage=pairs[:-1])


PATHS = st.text("ab", min_size=1, max_size=4)
LABELS = st.lists(st.frozensets(PATHS, max_size=3), min_size=1, max_size=7)


@given(LABELS, st.data())
def test_masses_are_conserved_and_a_higher_target_is_never_more_specific(of_labels, data):
    labels = [str(i) for i in range(len(of_labels))]
    taxonomy = {n: tuple(map(_lineage, sorted(p))) for n, p in zip(labels, of_labels, strict=True)}
    tree = TreeMasses.of(labels, taxonomy)
    parts = np.array([data.draw(st.integers(0, 5)) for _ in labels], np.float64)
    parts[0] += 1
    rows = parts[None] / parts.sum()
    masses = tree.masses(rows)
    assert masses[0, 0] == pytest.approx(1)
    for column in range(len(tree.names)):
        own = rows[0, tree.labels == column].sum()
        below = masses[0, tree.parents == column].sum()
        assert masses[0, column] == pytest.approx(own + below)
    targets = sorted(data.draw(st.lists(st.floats(0.01, 1), min_size=2, max_size=4)))
    answers = [int(tree.answers(masses, target)[0]) for target in targets]
    for low, high in itertools.pairwise(answers):
        while low not in (high, -1):
            low = int(tree.parents[low])
        assert low == high  # the same, or above it
    for target, answer in zip(targets, answers, strict=True):
        assert answer == 0 or masses[0, answer] >= target - 1e-9
        if target > 0.5:
            assert masses[0, answer] == pytest.approx(_lowest(of_labels, rows[0], target))


def _lowest(of_labels, probabilities, target):
    """Return the mass of the lowest node, by prefixes of paths; what is no path is a leaf."""
    places = [_common(paths) if paths else None for paths in of_labels]
    nodes = {"", *(place[: i + 1] for place in places if place for i in range(len(place)))}
    masses = {
        node: sum(p for p, x in zip(probabilities, places, strict=True) if x and x.startswith(node))
        for node in nodes - {""}
    }
    leaves = {i: p for i, p in enumerate(probabilities) if places[i] is None}
    deep = [(len(n), masses[n]) for n in masses if masses[n] >= target - 1e-9]
    alone = [(1, p) for p in leaves.values() if p >= target - 1e-9]
    return max(deep + alone, default=(0, 1.0))[1]


def _common(paths):
    first, last = min(paths), max(paths)
    same = next((i for i, x in enumerate(first) if x != last[i : i + 1]), len(first))
    return first[:same]
