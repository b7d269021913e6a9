r"""CPU seconds and memory of writing and reading a classifier's table.

    python scripts/bench/classifier_csv.py --rows 100000 --labels 169

Probabilities are those of a softmax, float32.  Targets for 100,000 x 169: write <= 8 CPU s, read
<= 4 CPU s; the peak of memory does not grow with the rows.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from database_tools.formats import classifier_csv

_AT_ONCE = 5000


def main() -> None:
    """Write a table, read it back and print what both took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=169)
    args = parser.parse_args()
    logits = np.random.default_rng(0).normal(0, 3, (_AT_ONCE, args.labels))
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    table = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    names = [f"label {i}" for i in range(args.labels)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "outputs_test.csv.gz"
        start = time.process_time()
        with classifier_csv.writing(path, names) as writer:
            for first in range(0, args.rows, _AT_ONCE):
                number = min(_AT_ONCE, args.rows - first)
                paths = [
                    f"ds/{i % 37}/{i:07d}.jpg___crop00.jpg" for i in range(first, first + number)
                ]
                writer.write(paths, table[:number])
        written = time.process_time()
        with classifier_csv.reading(path) as rows:
            assert sum(len(part.paths) for part in rows) == args.rows
        read = time.process_time()
        size = path.stat().st_size / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"write {written - start:.1f} CPU s, read {read - written:.1f} CPU s, {size:.0f} MB, ",
        end="",
    )
    print(f"peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
