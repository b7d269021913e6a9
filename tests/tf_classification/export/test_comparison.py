"""The table of formats, by hand."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tf_classification.export import comparison
from tf_classification.export.crops import Sample

CLOCK = SimpleNamespace(now=0.0, process_time=lambda: CLOCK.now)


def reads_red(pixels):
    """A "network" whose probability of label 1 is the mean of red over 255."""
    CLOCK.now += 0.02
    red = pixels[..., 0].mean(axis=(1, 2)) / 255
    return np.stack([1 - red, red], axis=1)


def always_first(pixels):
    CLOCK.now += 0.005
    return np.tile([0.75, 0.25], (len(pixels), 1))


def test_accuracy_agreement_difference_and_speed(monkeypatch):
    monkeypatch.setattr(comparison, "time", CLOCK)
    red = np.array([0, 255, 255, 51], np.float32)
    pixels = np.broadcast_to(red[:, None, None, None], (4, 2, 2, 3)).copy()
    sample = Sample(pixels, np.array([0, 1, 0, 0], np.int32))
    runs = {"savedmodel": reads_red, "other": always_first}
    first, second = comparison.compare(runs, sample)
    assert (first.accuracy, first.agreement, first.difference, first.speed) == (0.75, 1, 0, 1)
    assert (second.accuracy, second.agreement, second.crops) == (0.75, 0.5, 4)
    assert second.difference == pytest.approx(0.75)  # red 255: .25 instead of 1
    assert second.speed == pytest.approx(4)  # 20 ms against 5
    assert first.per_cpu_second == pytest.approx(16 / 0.02)
    text = comparison.text([first, second]).splitlines()
    assert text[2].split()[:3] == ["other", "75.00%", "50.00%"]
    assert text[3].startswith("4 validation crops")
