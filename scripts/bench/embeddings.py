r"""A classifier on embeddings: how good, how long, how much memory, how many answers.

    python scripts/bench/embeddings.py worlds --seeds 5
    python scripts/bench/embeddings.py answers --folder /tmp/worlds/? --seeds 20
    python scripts/bench/embeddings.py whole --folder /tmp/worlds/0 /tmp/worlds/1
    python scripts/bench/embeddings.py speed --crops 1000
    python scripts/bench/embeddings.py million --crops 1000000

``worlds`` makes demo worlds (12 places to learn from, 8 others to test at), embeds both by
EfficientNet-Lite0, as one dataset, and learns a head of the first.  Floors: accuracy and macro
recall at the new places >= .92 in the mean, CPU seconds of the two commands <= 40.  Then it embeds
each of the two by itself, as the other benchmarks want.  ``answers`` asks a simulated
expert about crops of such worlds: 20, 40 and 80 that ``suggest_labels`` chooses, and as many, and
twice as many, at random.  ``whole`` trains
whole networks on the same places, two of them for val: from nothing by the demo's recipe, and from
ImageNet's weights.  ``million`` embeds a network of a few numbers, so that what is left is
the bookkeeping: run it with two numbers of crops for the memory that one more takes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

NETWORK = ("--model-name", "efficientnet-lite0", "--pretrained")
ASKED = (20, 40, 80)
LITE_RECIPE = (
    *NETWORK,
    *("--augmentation", "light", "--epochs", "8", "--batch-size", "16", "--optimizer", "adamw"),
    *("--lr", "0.0003", "--lr-schedule", "cosine", "--ema", "0.98", "--label-smoothing", "0.1"),
)


def _command(name: str, *words: object) -> float:
    """Run a command in a process of its own; return its CPU seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    package = "database_tools" if name == "make_demo_dataset" else "tf_classification"
    line = [sys.executable, "-m", f"{package}.{name}", *map(str, words)]
    subprocess.run(line, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def worlds(args: argparse.Namespace) -> None:
    """Learn and test in some worlds."""
    found = []
    for seed in range(args.seeds):
        folder = args.folder[0] / str(seed)
        _make(folder, seed)
        _write_both(folder)
        spent = _embed(folder, folder)
        answers = _as_answers(folder)
        logs = folder / "logs"
        words = ("--labels", answers, "--embeddings", folder / "embeddings")
        spent += _command("train_head", *words, "--logdir", logs)
        for part in (folder / "train", folder / "test"):
            _embed(part / "crops", part)
        right, recall = _tested(folder, max(logs.iterdir()))
        found.append((right, recall, spent))
        text = f"seed {seed}: accuracy {right:.3f}, macro recall {recall:.3f}"
        print(f"{text}, {spent:.1f} CPU s", flush=True)
    means = np.mean(found, axis=0)
    print(f"mean: accuracy {means[0]:.3f}, macro recall {means[1]:.3f}, {means[2]:.1f} CPU s")


def _make(folder: Path, seed: int) -> None:
    for name, images, places, first in (("train", 300, 12, 0), ("test", 240, 8, 100)):
        words = ("--images", images, "--locations", places, "--first_location", first)
        flags = ("--seed", seed, "--classification_dataset", "--corrupt_files", "none")
        _command("make_demo_dataset", folder / name, *words, *flags)


def _write_both(folder: Path) -> None:
    """List the crops of both parts as one dataset's."""
    lines = []
    for part in ("train", "test"):
        head, *rows = (folder / part / "classification_ds.csv").read_text().splitlines()
        lines += [head, *(f"{part}/crops/{row}" for row in rows)][bool(lines) :]
    (folder / "classification_ds.csv").write_text("\n".join([*lines, ""]))


def _embed(crops: Path, dataset: Path) -> float:
    return _command("embed_crops", crops, "--dataset-dir", dataset, *NETWORK)


def _table(folder: Path) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return paths, labels and locations of a world's crops."""
    from database_tools.formats import classification_csv

    crops = list(classification_csv.read(folder / "classification_ds.csv"))
    labels = np.array([crop.labels[0] for crop in crops])
    return [c.path for c in crops], labels, np.array([c.location for c in crops])


def _as_answers(folder: Path) -> Path:
    """Write all crops of the 12 places as answers: none is held back."""
    path = folder / "answers.csv"
    rows = zip(*_table(folder / "train"), strict=True)
    lines = [f"train/crops/{name},{label},,{place}\n" for name, label, place in rows]
    path.write_text("path,label,decision,location\n" + "".join(lines))
    return path


def _features(folder: Path) -> np.ndarray:
    from tf_classification.embeddings import index

    found = index.open(folder / "embeddings")
    return found.features(found.rows(_table(folder)[0]))


def _tested(folder: Path, run: Path) -> tuple[float, float]:
    from tf_classification.heads.head import Head

    table = np.load(run / "head.npz")
    names = json.loads((run / "params.json").read_text())["labels"]
    _, labels, _ = _table(folder / "test")
    said = Head(table["kernel"], table["bias"]).logits(_features(folder / "test"))
    right = np.array(names)[said.argmax(axis=1)] == labels
    return right.mean(), np.mean([right[labels == label].mean() for label in np.unique(labels)])


def whole(args: argparse.Namespace) -> None:
    """Train whole networks where the heads learnt."""
    import train_demo

    found: dict[str, list[tuple[float, ...]]] = {"from nothing": [], "from ImageNet's weights": []}
    for folder in args.folder:
        _write_both(folder)
        places = {part: np.unique(_table(folder / part)[2]).tolist() for part in ("train", "test")}
        parts = places["train"][:-2], places["train"][-2:], places["test"]
        splits = zip(("train", "val", "test"), parts, strict=True)
        table = {name: [["demo", place] for place in part] for name, part in splits}
        (folder / "splits.json").write_text(json.dumps(table))
        labels = np.unique(_table(folder / "train")[1]).tolist()
        (folder / "label_index.json").write_text(json.dumps(dict(enumerate(labels))))
        for way, flags in zip(found, (train_demo.RECIPE, LITE_RECIPE), strict=True):
            scores = train_demo.train(folder, folder, [*flags, "--label-weighted"], 0)
            found[way].append(tuple(scores.values()))
            print(f"{folder}, {way}: {scores}", flush=True)
    for way, rows in found.items():
        print(f"mean, {way}: accuracy, macro recall, CPU s {np.mean(rows, axis=0).round(3)}")


def answers(args: argparse.Namespace) -> None:
    """Ask a simulated expert in some worlds; heads are of the usual strength, to save time."""
    from tf_classification.heads import folds

    folds.STRENGTHS = (1.0,)
    scores = []
    for folder in args.folder:
        scores.append([_answered(folder, seed) for seed in range(args.seeds)])
        print(f"{folder}: {_means(scores[-1])}", flush=True)
    print(f"mean: {_means([each for world in scores for each in world])}")


def _means(scores: list[list[float]]) -> str:
    """Tell the means of what ``_answered`` returns."""
    means = np.mean(scores, axis=0)
    asked = [f"chosen {n}" for n in ASKED] + [f"random {n}" for n in (*ASKED, 2 * ASKED[-1])]
    return ", ".join(f"{name}: {mean:.3f}" for name, mean in zip(asked, means, strict=True))


def _answered(folder: Path, seed: int) -> list[float]:
    """Return accuracies at new places after answers about chosen crops and about random ones."""
    from database_tools.formats.answers_csv import Answer
    from tf_classification.embeddings import index
    from tf_classification.heads import folds, suggesting
    from tf_classification.heads.folds import Lesson

    train, test = folder / "train", folder / "test"
    paths, labels, places = _table(train)
    found, features = index.open(train / "embeddings"), _features(train)
    names, numbers = np.unique(labels, return_inverse=True)
    location = np.unique(places, return_inverse=True)[1]
    new, truth = _features(test), _table(test)[1]

    def score(rows: np.ndarray) -> float:
        part = (features[rows], numbers[rows], location[rows], np.ones(len(rows)), len(names))
        said = folds.learn(Lesson(*part), 0).head.logits(new)
        return float((names[said.argmax(axis=1)] == truth).mean())

    said: list[Answer] = []
    scores = []
    for number in ASKED:
        for one in suggesting.suggest(found, said, number - len(said), seed):
            name = str(found.crops.names[one.row])
            i = paths.index(name)
            said.append(Answer(name, labels[i], "", places[i]))
        scores.append(score(np.array([paths.index(answer.path) for answer in said])))
    order = np.random.default_rng(seed).permutation(len(paths))
    return scores + [score(order[:number]) for number in (*ASKED, 2 * ASKED[-1])]


def speed(args: argparse.Namespace) -> None:
    """Embed JPEGs of 300 pixels; the start of the program is taken off."""
    from run_classifier import _make_crops

    with tempfile.TemporaryDirectory() as name:
        folder, spent, wall = Path(name), [], []
        for number in (1, args.crops):
            _make_crops(folder / str(number), number, 300)
            begin = time.monotonic()
            words = (folder / str(number), "--output_dir", folder / "out")
            network = ("--model", args.model) if args.model else NETWORK
            spent.append(_command("embed_crops", *words, *network))
            wall.append(time.monotonic() - begin)
    cpu, seconds = ((b - a) / (args.crops - 1) for a, b in (spent, wall))
    print(f"{1000 * cpu:.1f} CPU ms a crop, {1 / seconds:.0f} crops a second, of them to start")
    print(f"{spent[0]:.1f} CPU s; {os.getloadavg()[0]:.1f} processes at work on this machine")


def million(args: argparse.Namespace) -> None:
    """Embed many cheap crops: one tiny picture under many names."""
    from database_tools.formats import dataset_info, example, tfrecord
    from tf_classification.embeddings import embedding
    from tf_classification.embeddings.request import EmbedRequest

    sys.path.insert(0, str(Path(__file__).parent))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        content = _tiny_picture()
        counts = {"train": (args.crops,), "test": (0,)}
        with tfrecord.Writer(folder / "train-00000") as writer:
            features = {
                "image/encoded": [content],
                "image/class/label": np.array([0]),
                "image/filename": [b"site/picture_of_an_ordinary_name.jpg"],
                "image/location": [b"site"],
            }
            record = example.encode(features)
            for _ in range(args.crops):
                writer.write(record)
        dataset_info.write(folder, dataset_info.DatasetInfo(("a",), counts))
        embedding._open = lambda asked: _Cheap()
        asked = EmbedRequest(
            model=folder, tfrecords=folder, output_dir=folder / "out", batch_size=256
        )
        begin, spent = time.monotonic(), time.process_time()
        _, ledger = embedding.run(asked, lambda crops, **_: crops)
        print(f"{ledger.kept:,} crops in {time.monotonic() - begin:.0f} s,", end=" ")
        print(f"{1e6 * (time.process_time() - spent) / args.crops:.0f} CPU us a crop,", end=" ")
        print(f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _tiny_picture() -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


class _Cheap:
    """A network of sixteen numbers that looks at nothing."""

    width, path = 16, Path("cheap")
    crop_recipe = None

    def __init__(self) -> None:
        from tf_classification.models.description import Description

        self.description = Description(("a",), "demo-cnn", 32)
        self._pixels = np.zeros((32, 32, 3), np.float32)

    def weights_digest(self) -> str:
        return "cheap"

    def save(self, path: Path) -> None:
        path.touch()

    def pixels(self, encoded: bytes) -> np.ndarray:
        return self._pixels

    def features(self, pixels: np.ndarray) -> np.ndarray:
        return np.ones((len(pixels), self.width), np.float32)


def main() -> None:
    """Do one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {f.__name__: f for f in (worlds, whole, answers, speed, million)}
    parser.add_argument("part", choices=parts)
    usual = [Path(tempfile.gettempdir()) / "worlds"]
    parser.add_argument("--folder", type=Path, nargs="+", default=usual)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--crops", type=int, default=1000)
    parser.add_argument("--model", type=Path, help="of speed: a bundle or .tflite")
    args = parser.parse_args()
    parts[args.part](args)


if __name__ == "__main__":
    main()
