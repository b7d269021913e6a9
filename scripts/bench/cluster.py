"""Two local workers of a Dask cluster against the process pool, and the price of many jobs.

python scripts/bench/cluster.py --pictures 1024 --rounds 3
python scripts/bench/cluster.py --jobs 100000

The start of workers and processes is left out: each side has done a job before it is timed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import psutil
from crop_speed import BOX, prepare

from database_tools.core.crop_recipe import CropRecipe
from database_tools.crops import cutting
from database_tools.work import executors, stream

KILOBYTES = 100
MEGABYTE = 1 << 20


@contextlib.contextmanager
def scheduler(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Start a scheduler and two workers of one thread, in processes of their own."""
    file, python = folder / "scheduler.json", [sys.executable, "-m"]
    here = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    workers = ["--scheduler-file", file, "--nworkers", "2", "--nthreads", "1", "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    started = []
    try:
        started.append(
            subprocess.Popen([*python, "distributed.cli.dask_scheduler", *here], **quiet)
        )
        while not file.exists():
            time.sleep(0.1)
        command = [*python, "distributed.cli.dask_worker", *workers, "--local-directory", folder]
        started.append(subprocess.Popen(command, **quiet))
        yield json.loads(file.read_text())["address"], psutil.Process(started[0].pid)
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def cut(executor: Executor, paths: list[Path], number: int) -> tuple[float, float]:
    """Cut so many pictures in jobs of 64; return seconds, and those of CPU in all processes."""
    boxes = np.array([BOX])
    jobs = [
        cutting.Job(str(paths[i % len(paths)]), boxes, CropRecipe.of_2019(1.69), 1 << 28)
        for i in range(number)
    ]
    units = [(i, tuple(jobs[i : i + 64])) for i in range(0, number, 64)]
    begun, cpu = time.perf_counter(), of_all()
    for _ in stream.in_order(executor, cutting.cut_all, units):
        pass
    return time.perf_counter() - begun, of_all() - cpu


def of_all() -> float:
    """Return the CPU seconds of this process and all below it."""
    own = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in [own, *own.children(recursive=True)])


def throughput(address: str, folder: Path, pictures: int, rounds: int) -> None:
    """Print pictures a second of both, in turns."""
    paths = prepare(folder, 16, (1632, 1224))
    found = []
    with executors.make(2) as pool, executors.make(1, None, address) as far:
        for executor in (pool, far):
            cut(executor, paths, 128)
        for _ in range(rounds):
            (here, used), (there, used_there) = (cut(one, paths, pictures) for one in (pool, far))
            found.append((here / there, used / used_there))
            print(f"pool {pictures / here:6.1f}, cluster {pictures / there:6.1f} pictures a second")
    for name, ratios in zip(
        ("throughput", "pictures per CPU second"), zip(*found, strict=True), strict=True
    ):
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        print(f"{name}, cluster over pool: {middle:.2f} ({low:.2f}-{high:.2f})")


def nothing(number: int) -> bytes:
    """Do a job of no work and some result."""
    return bytes(KILOBYTES << 10)


def many(address: str, process: psutil.Process, jobs: int) -> None:
    """Print what so many jobs cost client and scheduler."""
    own = psutil.Process()
    with executors.make(1, None, address) as far:
        list(stream.in_order(far, nothing, [(i, i) for i in range(100)]))
        own_before, before = own.memory_info().rss, process.memory_info().rss
        cpu, own_cpu = sum(process.cpu_times()[:2]), sum(own.cpu_times()[:2])
        own_most = most = 0
        begun = time.perf_counter()
        for i, _ in stream.in_order(far, nothing, ((i, i) for i in range(jobs)), weight=len):
            if i % 100 == 0:
                own_most = max(own_most, own.memory_info().rss)
                most = max(most, process.memory_info().rss)
        wall = time.perf_counter() - begun
        cpu, own_cpu = sum(process.cpu_times()[:2]) - cpu, sum(own.cpu_times()[:2]) - own_cpu
    print(f"{jobs} jobs of {KILOBYTES} kB in {wall:.0f} s, {wall / jobs * 1000:.1f} ms each")
    print(f"client +{(own_most - own_before) / MEGABYTE:.0f} MB, ", end="")
    print(f"{own_cpu / jobs * 1000:.2f} ms of CPU")
    print(f"scheduler +{(most - before) / MEGABYTE:.0f} MB to {most / MEGABYTE:.0f} MB, ", end="")
    print(f"{cpu / jobs * 1000:.2f} ms of CPU")


def main() -> None:
    """Print either."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=0, help="many jobs of no work instead")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, scheduler(Path(name)) as (address, process):
        if args.jobs:
            many(address, process, args.jobs)
        else:
            throughput(address, Path(name), args.pictures, args.rounds)


if __name__ == "__main__":
    main()
