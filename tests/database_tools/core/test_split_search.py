from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import split_search
from database_tools.core.split_search import TEST, TRAIN, VAL, LocationTable


def original_score(crops, choice, targets):
    """The original's arithmetic, label by label."""
    total = 0.0
    for split, target in enumerate(targets):
        for label in range(crops.shape[1]):
            at = crops[:, label]
            inside = at[choice == split]
            total += 2 * (inside.sum() / at.sum() - target) ** 2
            total += ((inside > 0).sum() / (at > 0).sum() - target) ** 2
    return total


@pytest.fixture
def crops():
    rng = np.random.default_rng(0)
    table = rng.poisson(0.7, (40, 6)) * rng.integers(1, 30, (40, 6))
    return table[:, table.any(axis=0)]


@pytest.mark.parametrize("targets", [(0.6, 0.2, 0.2), (0.75, 0.25)])
def test_score_is_the_originals(crops, targets):
    choices = np.random.default_rng(1).integers(0, len(targets), (5, 40), dtype=np.int8)
    expected = [original_score(crops, choice, targets) for choice in choices]
    np.testing.assert_allclose(split_search.score(crops, choices, targets), expected, atol=1e-12)


def test_random_is_as_good_as_the_best_of_as_many_single_tries(crops):
    found = split_search.random(crops, 0.2, 0.2, seed=3, tries=400)
    rng = np.random.default_rng(5)
    tries = []
    for _ in range(400):
        train = int(40 * (0.6 + rng.uniform(-0.03, 0.03)))
        val = int(40 * (0.2 + rng.uniform(-0.03, 0.03)))
        dealt = np.repeat([0, 1, 2], [train, val, 40 - train - val])
        tries.append(original_score(crops, rng.permutation(dealt), (0.6, 0.2, 0.2)))
    ours = original_score(crops, found, (0.6, 0.2, 0.2))
    assert ours <= np.quantile(tries, 0.02)  # other draws than these, so not the minimum itself


def test_random_is_the_same_for_the_same_seed_only(crops):
    first, again, other = (split_search.random(crops, 0.2, 0.2, s, 300) for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_random_without_a_test_fraction_makes_no_test_split(crops):
    assert set(split_search.random(crops, 0.3, 0, seed=0, tries=50)) == {TRAIN, VAL}


@pytest.mark.parametrize("tries", [249, 250, 251, 2000, 2251])
def test_the_blocks_of_tries_do_not_change_how_many_there_are(crops, tries, monkeypatch):
    scored = []
    score = split_search.score

    def counting(table, choices, targets, *roughly):
        scored.append(len(choices) if roughly else 0)
        return score(table, choices, targets, *roughly)

    monkeypatch.setattr(split_search, "score", counting)
    split_search.random(crops, 0.2, 0.2, seed=0, tries=tries)
    assert sum(scored) == tries


def test_the_best_of_all_tries_is_found_though_most_are_scored_roughly(crops):
    rng = np.random.Generator(np.random.Philox(3))
    targets = [0.6, 0.2, 0.2]
    tries = [split_search._shuffles(rng, 250, len(crops), targets) for _ in range(9)]
    scores = split_search.score(crops, np.concatenate(tries), targets)
    chosen = split_search.random(crops, 0.2, 0.2, seed=3, tries=2250)
    assert (chosen == np.concatenate(tries)[scores.argmin()]).all()


TABLE = LocationTable.count(
    [(("a", "1"), "elk")] * 8
    + [(("a", "2"), "elk")] * 2
    + [(("b", "1"), "elk")] * 10
    + [(("a", "2"), "cat")] * 1
    + [(("b", "2"), "cat")] * 3
    + [(("b", "3"), "cat")] * 4
)


def test_count_sorts_locations_and_labels():
    assert TABLE.labels == ("cat", "elk")
    assert TABLE.locations == (("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("b", "3"))
    assert TABLE.crops.tolist() == [[0, 8], [1, 2], [0, 10], [3, 0], [4, 0]]


def test_smallest_first_fills_test_then_val_with_the_smallest_locations_of_the_rarest_label():
    # cat (8 crops) first: a/2 (1 crop) to test, 1 of 1.6; b/2 to test, 4; b/3 to val.
    # elk (20): test has 2 of 4 from a/2, so a/1 to test; b/1 to val.
    choice = split_search.smallest_first(TABLE, val=0.2, test=0.2)
    assert choice.tolist() == [TEST, TEST, VAL, TEST, VAL]


def test_smallest_first_takes_prioritised_datasets_first_in_the_order_of_their_levels():
    # cat: level 0 is b, so b/2 (3 of 1.6) fills test, b/3 val, and a/2 of no level trains.
    choice = split_search.smallest_first(TABLE, 0.2, 0.2, {"cat": [{"b"}]})
    assert choice[[1, 3, 4]].tolist() == [TRAIN, TEST, VAL]


def test_without_leaves_locations_out_and_the_labels_that_only_they_had():
    rest = TABLE.without({("a", "2"), ("b", "2"), ("b", "3")})
    assert rest.labels == ("elk",)
    assert rest.crops.tolist() == [[8], [10]]


@given(st.integers(1, 30), st.integers(1, 5), st.floats(0, 0.5), st.floats(0, 0.5), st.integers(0))
def test_every_location_gets_one_split(n_locations, n_labels, val, test, seed):
    rng = np.random.default_rng(seed % 2**32)
    crops = rng.integers(0, 4, (n_locations, n_labels))
    crops[0] += 1
    table = LocationTable(
        tuple(("d", str(i)) for i in range(n_locations)), ("x",) * n_labels, crops
    )
    crops[~crops.any(axis=1), 0] = 1
    for choice in (
        split_search.random(crops, val, test, seed=0, tries=20),
        split_search.smallest_first(table, val, test),
    ):
        assert len(choice) == n_locations
        assert set(choice.tolist()) <= {TRAIN, VAL, TEST}
