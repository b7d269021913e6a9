"""Ctrl-C is answered at once, also where Python's own handler would wait."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tf_classification.training import interruption

ROOT = Path(__file__).parents[3]
IN_C = """
import hashlib
from tf_classification.training import interruption

with interruption.answered(lambda: print("to go on: ...", flush=True)):
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)  # an hour; no handler runs before its end
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_within_a_call_of_c(number):
    words = [sys.executable, "-c", IN_C]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        said, _ = process.communicate(timeout=60)
    assert (said, process.returncode) == ("to go on: ...\n", 130)


def test_after_the_block_signals_are_what_they_were():
    with interruption.answered(pytest.fail):
        pass
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.set_wakeup_fd(-1) == -1
