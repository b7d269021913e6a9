r"""Does a project cost what was planned?

    python scripts/bench/plan_project.py /tmp/demo_bench --pictures 2000
    python scripts/bench/plan_project.py /tmp/demo_bench --pictures 20000 --stages detect crop

Pictures of a demo world are linked under other names until there are enough.  A plan is made from
200 of them, then every command runs on all.  Compared are CPU seconds (all processes of a command,
start included), seconds, the most memory of a process, and the bytes that it leaves; behind each
is what was planned over what it took.  A plan that is there is taken again.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from database_tools.formats import classifier_csv, label_index

NETWORK = ("--model-name", "efficientnet-lite0")
THRESHOLD = 0.2


class Taken(NamedTuple):
    """Seconds of processors and of the clock, and bytes of memory."""

    cpu: float
    wall: float
    memory: float


def command(module: str, *words: object) -> Taken:
    """Run a command; return what it took."""
    begun = time.monotonic()
    line = [sys.executable, "-m", module, *map(str, words)]
    process = subprocess.Popen(line, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{line} ended with {process.returncode}")
    cpu = usage.ru_utime + usage.ru_stime
    return Taken(cpu, time.monotonic() - begun, usage.ru_maxrss * 1024)


def make_project(folder: Path, pictures: int, drawn: int) -> Path:
    """Draw a world and link its pictures; return the folder of so many."""
    world, images = folder / "world", folder / f"images{pictures}"
    if not (folder / "demo.pb").exists():
        words = ("--images", drawn, "--locations", 12, "--corrupt_files", "none")
        command("database_tools.make_demo_dataset", world, *words, "--detector", folder / "demo.pb")
    paths = sorted((world / "images").rglob("*.jpg"))
    for i in range(pictures):
        target = images / str(i // len(paths)) / paths[i % len(paths)].relative_to(world / "images")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            os.link(paths[i % len(paths)], target)
    return images


def write_labels(world: Path, images: Path, path: Path) -> None:
    """Say of each link what the demo world says of its picture."""
    table = json.loads((world / "image_level.json").read_text(encoding="utf-8"))
    links = sorted(images.iterdir())
    for key, names in (("images", ("id", "file_name")), ("annotations", ("id", "image_id"))):
        table[key] = [
            entry | {name: f"{link.name}/{entry[name]}" for name in names}
            for link in links
            for entry in table[key]
        ]
    path.write_text(json.dumps(table), encoding="utf-8")


def stages(
    images: Path, detector: Path, labels: Path, out: Path
) -> Iterator[tuple[str, str, list[object]]]:
    """Yield the plan's name, the module and the words of each stage."""
    found, records, table = out / "found.json", out / "records", out / "out.csv.gz"
    flags = ["--recursive", "--output_relative_filenames"]
    yield "detect", "database_tools.run_tf_detector_batch", [detector, images, found, *flags]
    flags = ["--images-dir", images, "--threshold", THRESHOLD, "--square-crops"]
    flags += ["--detector-version", "1.0", "--logdir", out]
    yield "crop", "database_tools.crop_detections", [found, out / "crops", *flags]
    words: list[object] = [labels, images, "-", "--use_detection_file", found]
    words += ["--tfrecords_output", records, "--multiple_detections", "all"]
    words += ["--detection_threshold", THRESHOLD]
    yield "dataset", "database_tools.make_classification_dataset", words
    words = ["--tfrecords", records, *NETWORK, "--pretrained", "--output_dir", out / "embeddings"]
    yield "embed", "tf_classification.embed_crops", words
    words = ["--tfrecords", records, "--embeddings", out / "embeddings", "--logdir", out / "runs"]
    yield "train_head", "tf_classification.train_head", words
    bundle = max((out / "runs").iterdir()) / "bundle"
    yield "run_classifier", "tf_classification.run_classifier", [bundle, out / "crops", table]
    index = out / "label_index.json"
    with classifier_csv.reading(table) as answers:
        label_index.write(index, answers.label_names)
    words = [table, index, "--output-json", out / "merged.json", "--detection-json", found]
    name = "tf_classification.merge_classification_detection_output"
    yield "merge", name, [*words, "--classifier-name", "demo", "--threshold", 0]


def size(folder: Path) -> int:
    """Return the bytes of all files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def main() -> None:
    """Print what was planned and what was taken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--drawn", type=int, default=400, help="pictures that differ")
    text = "only these, in their order, of what is there (default: all)"
    parser.add_argument("--stages", nargs="+", help=text)
    args = parser.parse_args()
    images = make_project(args.folder, args.pictures, args.drawn)
    out, path = args.folder / f"out{args.pictures}", args.folder / f"plan{args.pictures}.json"
    detector = args.folder / "demo.pb"
    labels = args.folder / f"labels{args.pictures}.json"
    write_labels(args.folder / "world", images, labels)
    flags = "--detector", detector, "--labels", labels, *NETWORK, "--json", path
    if not path.exists():
        took = command("tf_classification.plan_project", images, *flags)
        print(f"planning took {took.cpu:.0f} CPU s", flush=True)
    plan = json.loads(path.read_text())
    planned = {stage["stage"]: stage for stage in plan["stages"]}
    out.mkdir(exist_ok=True)
    for name, module, words in stages(images, detector, labels, out):
        if args.stages and name not in args.stages:
            continue
        before = size(out)
        took = command(module, *words)
        left = size(out) - before
        print(f"{name:<15}load {os.getloadavg()[0]:4.1f}", end="")
        for key, unit, value in (
            ("cpu_seconds", "CPU s", took.cpu),
            ("wall_seconds", "s", took.wall),
            ("memory_bytes", "MB held", took.memory),
            ("disk_bytes", "MB left", left),
        ):
            guess, scale = planned[name][key], 1e6 if "MB" in unit else 1
            guess = guess if key == "memory_bytes" else guess["value"]
            print(f" |{guess / scale:8.1f}{value / scale:8.1f} {unit}{guess / value:6.2f}", end="")
        print(flush=True)
        if name == "crop":
            crops, there = plan["crops"]["value"], sum(1 for _ in (out / "crops").rglob("*.jpg"))
            print(f"crops {crops:.0f} {there} {crops / there:.2f}", flush=True)
        if args.stages and name == args.stages[-1]:
            break


if __name__ == "__main__":
    main()
