"""How long every command's -h takes, against an empty Python process: target < 0.5 s.

python scripts/bench/help_time.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from database_tools.cli import commands

ROUNDS = 5


def seconds(*words: str) -> float:
    """Return the median wall time of a Python process with these words, over ROUNDS runs."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print a line for each command and the slowest one."""
    empty = seconds("-c", "pass")
    print(f"{'(empty process)':<45} {empty:.3f} s")
    taken = {name: seconds("-m", m, "-h") for name, m in commands.commands().items()}
    for name, value in taken.items():
        print(f"{name:<45} {value:.3f} s")
    slowest = max(taken, key=lambda name: taken[name])
    print(f"slowest: {slowest} {taken[slowest]:.3f} s (target < 0.5 s)")


if __name__ == "__main__":
    main()
