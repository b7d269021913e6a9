r"""What do pictures of the demo world cost?

    python scripts/bench/demo_world.py

Target: 400 pictures of 640x480 in at most 90 CPU seconds (demo_world.md, T1).
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from database_tools.demo.dataset import DemoDataset, make


def main() -> None:
    """Make the default data set in this process and print its CPU seconds and bytes."""
    with tempfile.TemporaryDirectory() as name:
        start = time.process_time()
        make(DemoDataset(), Path(name))
        seconds = time.process_time() - start
        size = sum(file.stat().st_size for file in Path(name).rglob("*.jpg"))
        print(f"400 pictures: {seconds:.1f} CPU s, {size / 1e6:.1f} MB")
        start = time.process_time()
        make(DemoDataset(), Path(name))
        print(f"made again: {time.process_time() - start:.2f} CPU s")


if __name__ == "__main__":
    main()
