"""Which boxes become crops: the threshold is compared as a detector computes."""

from __future__ import annotations

import numpy as np
import pytest

from database_tools.crops import wanted
from database_tools.crops.wanted import Rule, Wanted
from database_tools.formats.megadetector_json import Box, Image


@pytest.mark.parametrize("threshold", [0.0, 0.1, 0.2, 0.5, 0.7, 0.8, 0.95, 1.0])
def test_a_score_counts_if_its_float32_reaches_that_of_the_threshold(threshold):
    least = np.float32(threshold)
    below = np.nextafter(least, np.float32(-1))
    middle = (float(least) + float(below)) / 2
    near = [np.nextafter(middle, -1), middle, np.nextafter(middle, 1), float(below), threshold]
    for score in map(float, [*near, float(least)]):
        image = Image("a.jpg", (Box("1", score, (0.0, 0.0, 1.0, 1.0)),))
        chosen = wanted.of_found("a.jpg", image, {"1": "animal"}, Rule(threshold), "4.1")
        assert isinstance(chosen, Wanted) == bool(np.float32(score) >= least)
