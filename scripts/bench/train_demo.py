r"""How well the documented demo recipe does at new locations, and what oversampling does.

    python scripts/bench/train_demo.py /tmp/demo_bench --seeds 3
    python scripts/bench/train_demo.py /tmp/demo_bench --class-imbalance 2 --seeds 5

Trains on 400 pictures from 12 locations, validates at 6 others and tests at 24 others (more than
1,000 crops), with ``train_classifier.py`` in a process of its own.  With --class-imbalance every
seed is trained twice, with and without --label-weighted, and the difference gets its interval.
Needs scipy (Student's t).
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from scipy import stats

from database_tools.formats import classification_csv, label_index, splits_json

ROOT = Path(__file__).parents[2]
# docs/training.md, "Train a classifier": the demo recipe
RECIPE = (
    *("--model-name", "demo-cnn", "--augmentation", "light", "--epochs", "70", "--patience", "30"),
    *("--batch-size", "16", "--optimizer", "adamw", "--lr", "0.003", "--lr-schedule", "cosine"),
    *("--ema", "0.98", "--label-smoothing", "0.1"),
)
# name of the part: pictures, locations, first location
PARTS = {"train": (400, 12, 0), "val": (160, 6, 50), "test": (1200, 24, 100)}


def main() -> None:
    """Generate what is missing, train, print a line for each run and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--class-imbalance", type=float)
    parser.add_argument("--epochs", type=int, help="instead of the recipe's 70")
    args = parser.parse_args()
    recipe = [*RECIPE, *(["--epochs", str(args.epochs)] if args.epochs else [])]
    base = world(args.folder, args.class_imbalance)
    ways = {"weighted": ["--label-weighted"]}
    if args.class_imbalance:
        ways["as they are"] = []
    found: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for seed in range(args.seeds):
        for way, flags in ways.items():
            result = train(base, args.folder, [*recipe, *flags], seed)
            found[way].append(result)
            print(f"seed {seed}, {way}: {result}", flush=True)
    for way, results in found.items():
        means = {name: np.mean([r[name] for r in results]).round(4) for name in results[0]}
        print(f"mean, {way}: { {name: float(value) for name, value in means.items()} }")
    if args.class_imbalance:
        for score in ("accuracy", "macro_recall"):
            a, b = (np.array([r[score] for r in found[way]]) for way in ways)
            half = stats.t.ppf(0.975, len(a) - 1) * stats.sem(a - b)
            print(f"{score}: oversampling adds {np.mean(a - b):+.4f} +- {half:.4f} (95 %)")


def world(folder: Path, imbalance: float | None) -> Path:
    """Generate the three parts and put them together; return the folder with the three files."""
    base = folder / f"imbalance{imbalance or 1}"
    crops, splits, names = [], {}, set()
    for part, (images, locations, first) in PARTS.items():
        out = base / part
        if not (out / classification_csv.NAME).exists():
            where = ["--images", images, "--locations", locations, "--first_location", first]
            # only the training set is imbalanced: every label is to be judged
            how = ["--class_imbalance", imbalance] if imbalance and part == "train" else []
            command = ["database_tools/make_demo_dataset.py", out, *where, *how]
            run([*map(str, command), "--classification_dataset"])
        names.update(label_index.read(out / "label_index.json"))
        own = list(classification_csv.read(out / classification_csv.NAME))
        splits[part] = frozenset((crop.dataset, crop.location) for crop in own)
        crops += [crop._replace(path=f"{part}/crops/{crop.path}") for crop in own]
    classification_csv.write(base / classification_csv.NAME, crops)
    label_index.write(base / "label_index.json", sorted(names))
    splits_json.write(base / "splits.json", splits)
    return base


def train(base: Path, folder: Path, flags: list[str], seed: int) -> dict[str, float]:
    """Train once; return accuracy and macro recall on test, and the CPU seconds of it all."""
    with tempfile.TemporaryDirectory(dir=folder) as logs:
        command = ["tf_classification/train_classifier.py", str(base), str(base), *flags]
        before = os.times()
        run([*command, "--seed", str(seed), "--logdir", logs])
        after = os.times()
        (logdir,) = Path(logs).iterdir()
        with (logdir / "overall_metrics.csv").open(encoding="utf-8") as file:
            overall = {row["split"]: row for row in csv.DictReader(file)}["test"]
        with (logdir / "label_stats.csv").open(encoding="utf-8") as file:
            recalls = [float(r["recall"]) for r in csv.DictReader(file) if r["split"] == "test"]
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    accuracy = float(overall["acc_top1"]) / 100
    scores = {"accuracy": accuracy, "macro_recall": float(np.mean(recalls)), "cpu_seconds": cpu}
    return {name: round(value, 4) for name, value in scores.items()}


def run(words: list[str]) -> None:
    """Run a command of ours; stop with what it said if it fails."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(done.stderr)


if __name__ == "__main__":
    main()
