"""Crops and locations by label and split."""

import numpy as np

from database_tools.core.label_shares import Extreme, LabelShares, Thresholds

TRAIN, VAL, TEST = (0,), (1,), (2,)


def test_crops_and_locations_are_counted_by_split():
    crops = np.array([[5, 0], [3, 2], [0, 1], [4, 4]])
    shares = LabelShares.of(["fox", "hare"], crops, [TRAIN, TRAIN, VAL, TEST])
    assert shares.crops.tolist() == [[8, 0, 4], [2, 1, 4]]
    assert shares.locations.tolist() == [[2, 0, 1], [1, 1, 1]]
    assert next(shares.rows()) == ["fox", "8 (2)", "0 (0)", "4 (1)"]
    # 10 crops to train on, 2 labels: 10 / (2 * 8) and 10 / (2 * 2)
    assert shares.weights().tolist() == [0.625, 2.5]


def test_a_place_in_two_splits_counts_in_both_and_one_in_none_in_none():
    shares = LabelShares.of(["fox"], np.array([[5], [7]]), [(0, 2), ()])
    assert shares.crops.tolist() == [[5, 0, 5]]
    assert np.isinf(LabelShares.of(["fox"], np.array([[5]]), [TEST]).weights()).all()


def test_few_locations_are_below_a_number_or_a_share_and_few_crops_below_both():
    least = Thresholds((2, 0.25), (3, 0.5), (10, 0.2), (30, 0.5))
    crops = np.array([[10, 40], [10, 0], [10, 0], [5, 4], [1, 0], [3, 6]])
    shares = LabelShares.of(["fox", "hare"], crops, [TRAIN, TRAIN, TRAIN, VAL, VAL, TEST])
    # fox: 3, 2, 1 locations of 6 and 30, 6, 3 crops of 39; hare: 1, 1, 1 of 3 and 40, 4, 6 of 50.
    assert shares.extremes(least) == [
        Extreme("hare", "train", "locations", 1, 1 / 3),
        Extreme("hare", "val", "locations", 1, 1 / 3),
        Extreme("fox", "test", "locations", 1, 1 / 6),
        Extreme("hare", "test", "locations", 1, 1 / 3),
        Extreme("fox", "val", "crops", 6, 6 / 39),
        Extreme("hare", "val", "crops", 4, 0.08),
        Extreme("fox", "test", "crops", 3, 3 / 39),
        Extreme("hare", "test", "crops", 6, 0.12),
    ]
