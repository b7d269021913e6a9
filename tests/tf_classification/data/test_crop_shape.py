from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tf_classification.data import crop_shape


def pictures(encode, sizes):
    return [encode(np.zeros((*size, 3), np.uint8)) if size else b"" for size in sizes]


def test_extremes_are_of_all_that_can_be_read(encode, examples_of):
    crops = examples_of(pictures(encode, [(30, 40), None, (50, 20), (10, 10)]))
    expected = {"longest_side": 50, "least_aspect": 0.4, "most_aspect": 1.3333}
    assert crop_shape.of(crops) == expected


def test_of_many_a_thousand_evenly_spaced_are_looked_at(encode, examples_of):
    crops = examples_of(pictures(encode, [(30, 40)]) * 5001)
    asked = []

    def reader(rows):
        asked.extend(rows.tolist())
        return crops.reader(rows)

    crop_shape.of(dataclasses.replace(crops, reader=reader))
    assert len(asked) == 1000
    assert (asked[0], asked[-1]) == (0, 5000)


@pytest.mark.parametrize("sizes", [[], [None, None]])
def test_of_nothing_readable_nothing_is_known(encode, examples_of, sizes):
    assert crop_shape.of(examples_of(pictures(encode, sizes))) is None
