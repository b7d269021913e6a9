"""Ctrl-C is answered between two steps."""

from __future__ import annotations

import os
import signal

import pytest

from tf_classification.training import interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_next_check_and_a_second_one_does_not(number):
    before = signal.getsignal(number)
    with interruption.noted() as stop:
        stop.check()
        os.kill(os.getpid(), number)  # raises nothing here
        with pytest.raises(KeyboardInterrupt):
            stop.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
