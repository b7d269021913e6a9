"""Keeps from stderr what TensorFlow's C++ says when it starts or converts a model.

No environment variable silences these lines: they are written before TensorFlow reads it.  So
file 2 is given to a small process that passes lines on, this very file; as it is a process, what
TensorFlow says before it aborts comes out too.  Python's own ``sys.stderr`` goes past it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHATTER = re.compile(
    rb"I\d{4} \d\d:\d\d:"  # absl's INFO
    rb"|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+: I "  # TensorFlow's own INFO
    rb"|INFO: "  # LiteRT's
    rb"|To enable the following instructions: "  # the second line of an INFO
    rb"|WARNING: All log messages before absl::InitializeLog\(\) "
    # a machine without a GPU, or without its driver
    rb"|E.*failed call to cuInit: .*(UNKNOWN ERROR \(303\)|CUDA_ERROR_NO_DEVICE)"
    # libraries that register themselves twice
    rb"|[EW].*(Unable to register cu\w+ factory|computation placer already registered)"
    # LiteRT's converter
    rb"|W.*\] Ignored (output_format|drop_control_dependency|change_concat_input_ranges)\."
    rb"|fully_quantize: \d"
)

_END = b"\0that was all\n"
"""Tells the small process that we are done.  It goes on with what a child of ours may still say."""


def is_chatter(line: bytes) -> bool:
    """Tell whether a line is of no use to anybody."""
    return _CHATTER.match(line) is not None


@contextmanager
def kept_back() -> Iterator[None]:
    """Keep chatter from file 2 within a block."""
    python = sys.stderr
    own = os.dup(2)
    command = [sys.executable, "-I", "-S", __file__]
    # A session of its own: Ctrl-C is not meant for it, it ends with the last who writes to it.
    sieve = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=own, stderr=subprocess.PIPE, start_new_session=True
    )
    assert sieve.stdin is not None
    assert sieve.stderr is not None
    os.dup2(sieve.stdin.fileno(), 2)
    if _writes_to_two(python):
        sys.stderr = os.fdopen(os.dup(own), "w", 1, python.encoding, python.errors)
    try:
        yield
    finally:
        os.dup2(own, 2)
        os.close(own)
        sys.stderr = python
        with suppress(OSError), sieve.stdin, sieve.stderr:
            sieve.stdin.write(_END)
            sieve.stdin.flush()
            # Not for its end, as a child that outlives the command holds the pipe open.
            sieve.stderr.read()


def _writes_to_two(stream: object) -> bool:
    try:
        return stream.fileno() == 2  # type: ignore[attr-defined]
    except (AttributeError, OSError, ValueError):  # no file, as under a test's capture
        return False


if __name__ == "__main__":
    with suppress(BrokenPipeError):  # nobody reads stderr any more
        for line in sys.stdin.buffer:
            said = line.removesuffix(_END)
            if said and not is_chatter(said):
                os.write(1, said)
            if said is not line:
                os.close(2)
