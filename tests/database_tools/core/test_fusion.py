"""Vectors of one event: which belong together, and what they are together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import fusion
from database_tools.core.fusion import MEAN, MEAN_LOG, PRODUCT, RULES


def fuse(rows, weights=None, kinds=None, rule=MEAN_LOG, same=0.8):
    rows = np.array(rows, np.float64)
    weights = np.ones(len(rows)) if weights is None else np.array(weights)
    kinds = np.zeros(len(rows), int) if kinds is None else np.array(kinds)
    return fusion.fuse(rows, weights, kinds, rule, same)


@pytest.mark.parametrize(
    ("rule", "weights", "deer"),
    [
        (MEAN, [1, 1], 0.65),
        (MEAN, [1, 0.5], 0.7),  # (0.8 + 0.25) / 1.5
        (MEAN_LOG, [1, 1], 2 / 3),  # sqrt(0.8 * 0.5) : sqrt(0.2 * 0.5) = 2 : 1
        (MEAN_LOG, [0.5, 0], 0.8),  # the second is as good as not there
        (PRODUCT, [1, 1], 0.8),  # 0.4 : 0.1
        (PRODUCT, [0.5, 0.5], 2 / 3),  # half a witness each
    ],
)
def test_two_vectors_by_each_rule(rule, weights, deer):
    fused = fuse([[0.8, 0.2], [0.5, 0.5]], weights, rule=rule)
    assert fused == pytest.approx(np.array([[deer, 1 - deer]] * 2), abs=1e-5)


def test_a_doubtful_box_joins_the_group_that_it_agrees_with_and_sure_ones_stay_apart():
    deer, boar, doubtful = [0.98, 0.01, 0.01], [0.01, 0.98, 0.01], [0.5, 0.3, 0.2]
    fused = fuse([doubtful, boar, deer, deer], rule=MEAN)
    assert fused[1].tolist() == boar
    assert fused[0] == pytest.approx([0.82, 0.32 / 3, 0.22 / 3])  # (0.5 + 2 * 0.98) / 3
    assert (fused[2:] == fused[0]).all()


@pytest.mark.parametrize(("sure", "together"), [(0.9, False), (0.88, True)])
def test_odds_of_one_part_boxes(sure, together):
    # Of two labels at 0.8: 0.8 * m >= 0.2 * (1 - m), so m >= 0.2; m = 2 * sure * (1 - sure).
    fused = fuse([[sure, 1 - sure], [1 - sure, sure]])
    assert fused[0] == pytest.approx([0.5, 0.5] if together else [sure, 1 - sure])


@pytest.mark.parametrize("rule", RULES)
def test_boxes_of_two_categories_are_never_joined(rule):
    rows = [[0.6, 0.4], [0.7, 0.3]]
    assert fuse(rows, kinds=[0, 1], rule=rule).tolist() == rows


def test_a_zero_does_not_rule_out_what_all_others_say():
    fused = fuse([[0.0, 0.5, 0.5], [0.9, 0.05, 0.05], [0.9, 0.05, 0.05]], same=0.999)
    assert fused[0, 0] > 0.01


def test_a_temperature_makes_less_sure():
    # 0.8 : 0.2 = 4 : 1, whose roots are 2 : 1
    assert fusion.tempered(np.array([[0.8, 0.2]]), 2.0) == pytest.approx(np.array([[2 / 3, 1 / 3]]))


@given(st.data(), st.sampled_from(RULES), st.floats(0.05, 0.99))
def test_the_order_of_boxes_does_not_matter_and_rows_stay_distributions(data, rule, same):
    n = data.draw(st.integers(1, 7))
    numbers = st.lists(st.integers(1, 20), min_size=3, max_size=3)
    rows = np.array([data.draw(numbers) for _ in range(n)], np.float64)
    rows /= rows.sum(axis=1, keepdims=True)
    weights = np.array([data.draw(st.integers(0, 10)) for _ in range(n)]) / 10
    kinds = np.array([data.draw(st.integers(0, 1)) for _ in range(n)])
    order = np.array(data.draw(st.permutations(range(n))))
    fused = fusion.fuse(rows, weights, kinds, rule, same)
    again = fusion.fuse(rows[order], weights[order], kinds[order], rule, same)
    assert again == pytest.approx(fused[order])
    assert fused.sum(axis=1) == pytest.approx(np.ones(n))
    assert (fused >= 0).all()


def test_one_label_is_always_together():
    assert fuse([[1.0], [1.0]]).tolist() == [[1.0], [1.0]]
