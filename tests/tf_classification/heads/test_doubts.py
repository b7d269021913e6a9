"""What speaks against a label, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from tf_classification.heads import doubts

SAID = np.log([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7]])


def doubt(labels, groups, pictures=(0, 1, 2)):
    number = len(labels)
    columns = (np.array(values[:number]) for values in (labels, groups, pictures))
    return doubts.doubt(SAID[:number], *columns)


def test_a_crop_alone_is_doubted_by_what_it_looks_like():
    found = doubt([1, 0, 0], [0, 1, 2])
    np.testing.assert_allclose(np.exp(found.odds), [0.9 / 0.1, 0.2 / 0.8, 0.7 / 0.3])
    np.testing.assert_allclose(found.scores, [0.9, 0.2, 0.7])
    assert found.likely.tolist() == [0, 1, 1]
    assert set(found.looks) == set(found.labelled) == {-1}


def test_looks_and_labels_of_the_burst_are_weighed():
    found = doubt([1, 0], [0, 0])
    # .8 of the other's probabilities and .1 each; one crop of one label beside a tenth of each
    first = (0.9 * (0.8 * 0.8 + 0.1) * 1.1) / (0.1 * (0.8 * 0.2 + 0.1) * 0.1)
    second = (0.2 * (0.8 * 0.1 + 0.1) * 1.1) / (0.8 * (0.8 * 0.9 + 0.1) * 0.1)
    np.testing.assert_allclose(np.exp(found.odds), [first, second])
    assert found.looks.tolist() == [0, 0]
    assert found.labelled.tolist() == [0, 1]


def test_labels_of_the_same_picture_are_no_witnesses():
    found = doubt([1, 0], [0, 0], (5, 5))
    np.testing.assert_allclose(np.exp(found.odds[0]), 0.9 * 0.74 / (0.1 * 0.26))
    assert found.labelled.tolist() == [-1, -1]


def test_a_burst_that_is_wrong_as_a_whole_is_found_by_its_looks():
    said = np.log([[0.97, 0.03]] * 4 + [[0.6, 0.4]] * 4)
    found = doubts.doubt(said, np.ones(8, int), np.arange(8) // 4, np.arange(8))
    assert (found.odds[:4] > found.odds[4:]).all()
    assert (doubts.doubt(said, np.zeros(8, int), np.arange(8) // 4, np.arange(8)).odds < -3).all()


@pytest.mark.parametrize("sure", [1e-30, 0.0])
def test_certainty_is_no_trouble(sure):
    with np.errstate(divide="ignore"):
        said = np.log([[1 - sure, sure], [1 - sure, sure]])
    said = np.maximum(said, -700)
    found = doubts.doubt(said, np.array([1, 0]), np.array([0, 0]), np.array([0, 1]))
    assert np.isfinite(found.odds).all()
    np.testing.assert_allclose(found.scores, [1, 0], atol=1e-6)


def test_crops_of_a_picture_in_groups_of_their_own_are_as_alone():
    found = doubt([1, 1, 0], [0, 1, 2], (5, 5, 5))
    np.testing.assert_array_equal(found.odds, doubt([1, 1, 0], [0, 1, 2]).odds)
    assert found.labelled.tolist() == [-1, -1, -1]
