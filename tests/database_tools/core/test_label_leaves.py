from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import label_leaves, label_query
from database_tools.core.label_leaves import HUMAN
from database_tools.core.taxon_tree import TaxonomyRow, TaxonTree

MAMMALS = (("class", "mammalia"),)
DOGS = (("family", "canidae"), *MAMMALS)
ROWS = [
    ("mammal", MAMMALS),
    ("dog", DOGS),
    ("wolf", (("genus", "canis"), *DOGS)),
    ("fox", (("genus", "vulpes"), *DOGS)),
    ("deer", (("family", "cervidae"), *MAMMALS)),
    ("boar", (("family", "suidae"), *MAMMALS)),
    ("human", (HUMAN, ("family", "hominidae"), *MAMMALS)),
]
TREE = TaxonTree.of([TaxonomyRow("ds", *row, i) for i, row in enumerate(ROWS)])


def leaves(least, **images):
    own = {TREE.labels["ds", label]: number for label, number in images.items()}
    total = label_leaves.totals(TREE, own)
    return {leaf.name: leaf.images for leaf in label_leaves.search(TREE, total, least)}


@pytest.mark.parametrize(
    ("images", "found"),
    [
        ({"wolf": 9}, {}),  # too few everywhere
        ({"wolf": 12}, {"genus: canis": 12}),  # the lowest that has enough
        ({"wolf": 6, "fox": 6}, {"family: canidae": 12}),  # no child has enough
        ({"wolf": 12, "fox": 3}, {"genus: canis": 12}),  # what remains is too little
        # an inner taxon's own images, which the original lost
        ({"wolf": 12, "dog": 10}, {"genus: canis": 12, "family: canidae (other)": 10}),
        # small children and own images together
        ({"wolf": 12, "fox": 6, "dog": 4}, {"genus: canis": 12, "family: canidae (other)": 10}),
        (
            {"wolf": 20, "deer": 6, "boar": 3, "mammal": 1},
            {"genus: canis": 20, "class: mammalia (other)": 10},
        ),
        ({"human": 50}, {}),
        ({"human": 50, "mammal": 10}, {"class: mammalia": 10}),
    ],
)
def test_leaves_of_at_least_ten_images(images, found):
    assert leaves(10, **images) == found


def test_labels_are_the_leaves_dataset_labels_without_people():
    own = {TREE.labels["ds", "wolf"]: 12, MAMMALS[0]: 10}
    total = label_leaves.totals(TREE, own)
    spec = label_leaves.specification(TREE, label_leaves.search(TREE, total, 10), 500)
    assert list(spec) == ["class: mammalia (other)", "genus: canis"]
    assert {rule.max_count for rule in spec.values()} == {500}
    found = label_query.resolve(spec, TREE)
    # the family of wolves is looked at on its own, so its foxes are nowhere: they have no images
    assert {name for _, name in found["class: mammalia (other)"]} == {"mammal", "deer", "boar"}
    assert {name for _, name in found["genus: canis"]} == {"wolf"}


@given(
    st.dictionaries(st.sampled_from([name for name, _ in ROWS]), st.integers(0, 30)),
    st.integers(1, 40),
)
def test_no_image_is_in_two_labels_and_every_label_has_enough(images, least):
    own = {TREE.labels["ds", label]: number for label, number in images.items()}
    total = label_leaves.totals(TREE, own)
    found = label_leaves.search(TREE, total, least)
    resolved = label_query.resolve(label_leaves.specification(TREE, found, 1), TREE)
    assert not label_query.overlaps(resolved)
    for leaf in found:
        made_of = resolved[leaf.name]
        assert sum(images.get(name, 0) for _, name in made_of) == leaf.images >= least
