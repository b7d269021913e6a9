"""The picture of a confusion matrix."""

from __future__ import annotations

import numpy as np

from tf_classification.training import confusion_image


def test_rows_are_shares_of_the_true_label():
    # 26 labels: cells without text, 26 pixels each; label 0 is right in 3 of 4 cases
    confusion = np.zeros((26, 26))
    confusion[0, :2] = 3, 1
    picture = confusion_image.draw(confusion, [f"label {i}" for i in range(26)])
    cell = 700 // 26
    white, blue = np.array([255, 255, 255]), np.array([8, 48, 107])
    assert picture.shape == (26 * cell, 26 * cell, 3)
    np.testing.assert_allclose(picture[5, 5], white + 0.75 * (blue - white), atol=1)
    np.testing.assert_allclose(picture[5, cell + 5], white + 0.25 * (blue - white), atol=1)
    np.testing.assert_array_equal(picture[5 * cell, 5], white)  # a label without examples


def test_few_labels_are_named():
    named = confusion_image.draw(np.eye(2), ["deer", "fox"])
    other = confusion_image.draw(np.eye(2), ["deer", "hare"])
    assert (named[: 20 + 28] == other[: 20 + 28]).all()
    assert (named[20 + 28 :] != other[20 + 28 :]).any()
