r"""Does a project cost what was planned?

    python scripts/bench/plan_project.py /tmp/demo_bench --pictures 2000
    python scripts/bench/plan_project.py /tmp/demo_bench --pictures 20000 --until crop

Pictures of a demo world are linked under other names until there are enough.  A plan is made from
200 of them, then every command runs on all, and CPU seconds (all processes of a command, start
included) and the bytes that it leaves are compared.  The folder keeps both for the next run.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NETWORK = ("--model-name", "efficientnet-lite0")
THRESHOLD = 0.2


def command(module: str, *words: object) -> float:
    """Run a command; return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    line = [sys.executable, "-m", module, *map(str, words)]
    subprocess.run(line, check=True, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def make_project(folder: Path, pictures: int, drawn: int) -> Path:
    """Draw a world and link its pictures; return the folder of so many."""
    world, images = folder / "world", folder / f"images{pictures}"
    words = ("--images", drawn, "--locations", 12, "--corrupt_files", "none")
    command("database_tools.make_demo_dataset", world, *words, "--detector", folder / "demo.pb")
    paths = sorted((world / "images").rglob("*.jpg"))
    for i in range(pictures):
        target = images / str(i // len(paths)) / paths[i % len(paths)].relative_to(world / "images")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            os.link(paths[i % len(paths)], target)
    return images


def write_annotations(images: Path, path: Path) -> None:
    """Say of each picture that it has one of two labels, at one of ten places."""
    names = sorted(file.relative_to(images).as_posix() for file in images.rglob("*.jpg"))
    table = {
        "images": [{"id": i, "file_name": n, "location": i // 2 % 10} for i, n in enumerate(names)],
        "annotations": [{"id": i, "image_id": i, "category_id": i % 2} for i in range(len(names))],
        "categories": [{"id": 0, "name": "one"}, {"id": 1, "name": "other"}],
    }
    path.write_text(json.dumps(table), encoding="utf-8")


def stages(images: Path, detector: Path, out: Path) -> Iterator[tuple[str, str, list[object]]]:
    """Yield the plan's name, the module and the words of each stage."""
    found, records, table = out / "found.json", out / "records", out / "out.csv.gz"
    flags = ["--recursive", "--output_relative_filenames"]
    yield "detect", "database_tools.run_tf_detector_batch", [detector, images, found, *flags]
    flags = ["--images-dir", images, "--threshold", THRESHOLD, "--square-crops"]
    flags += ["--detector-version", "1.0", "--logdir", out]
    yield "crop", "database_tools.crop_detections", [found, out / "crops", *flags]
    write_annotations(images, out / "annotations.json")
    words = [out / "annotations.json", images, "-", "--use_detection_file", found]
    words += ["--tfrecords_output", records, "--multiple_detections", "all"]
    words += ["--detection_threshold", THRESHOLD]
    yield "dataset", "database_tools.make_classification_dataset", words
    words = ["--tfrecords", records, *NETWORK, "--pretrained", "--output_dir", out / "embeddings"]
    yield "embed", "tf_classification.embed_crops", words
    words = ["--tfrecords", records, "--embeddings", out / "embeddings", "--logdir", out / "runs"]
    yield "train_head", "tf_classification.train_head", words
    bundle = max((out / "runs").iterdir()) / "bundle"
    yield "run_classifier", "tf_classification.run_classifier", [bundle, out / "crops", table]
    labels = out / "labels.json"
    labels.write_text('{"0": "one", "1": "other"}', encoding="utf-8")
    words = [table, labels, "--output-json", out / "merged.json", "--detection-json", found]
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
    parser.add_argument("--until", default="merge", help="the last stage that is run")
    args = parser.parse_args()
    images = make_project(args.folder, args.pictures, args.drawn)
    out, plan = args.folder / f"out{args.pictures}", args.folder / f"plan{args.pictures}.json"
    detector = args.folder / "demo.pb"
    command(
        "tf_classification.plan_project", images, "--detector", detector, *NETWORK, "--json", plan
    )
    planned = {stage["stage"]: stage for stage in json.loads(plan.read_text())["stages"]}
    out.mkdir()
    print("stage             planned CPU s    taken  ratio   planned MB    taken  ratio")
    for name, module, words in stages(images, detector, out):
        before = size(out)
        took = command(module, *words)
        guess, disk = (planned[name][key]["value"] for key in ("cpu_seconds", "disk_bytes"))
        left = (size(out) - before) / 1e6
        print(f"{name:<16}{guess:14.1f}{took:9.1f}{guess / took:7.2f}", end="", flush=True)
        print(f"{disk / 1e6:13.2f}{left:9.2f}{disk / 1e6 / left:7.2f}", flush=True)
        if name == args.until:
            break


if __name__ == "__main__":
    main()
