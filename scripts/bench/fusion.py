r"""Probabilities used whole: fused by events, rolled up to taxa; how good, and a million crops.

    python scripts/bench/embeddings.py worlds --seeds 5
    python scripts/bench/fusion.py fuse
    python scripts/bench/fusion.py fuse --learn 150
    python scripts/bench/fusion.py roll_up
    python scripts/bench/fusion.py choose
    python scripts/bench/fusion.py million --crops 1000000

``fuse`` asks the heads of the demo worlds about crops of places that they have not seen, runs the
command by each rule, and beside it MegaDetector's smoothing (megadetector-utils; it knows classes
only, so it has no likelihood) and DrivenData's rule: the mean of an event's vectors, which of
"empty", that no head of crops knows, would be the geometric one; and groups by the true labels,
which no grouping can be better than.  A head of fewer crops (``--learn``) has more errors.
Floors for the default: 30 % of the single crops' errors go, and the mean negative log-likelihood
(NLL) is not worse.  ``choose`` does the same on folds of the places that heads were learnt from: by
it ``--same`` was chosen.
``roll_up`` compares the share right among answers with the mean of their masses and the target;
intervals by draws of all worlds' places.  Beside it SpeciesNet's rule: the five likeliest, .65.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from database_tools.core.tree_masses import TreeMasses
    from tf_classification.heads.folds import Lesson

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "tests" / "docs")]

SMOOTHING = "MegaDetector's smoothing"
TARGETS = (0.55, 0.65, 0.75, 0.8, 0.85, 0.9, 0.95)
SAMES = (0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class World:
    """Crops of a demo world: names, places, true labels, calibrated vectors (n, C), labels."""

    annotations: Path
    paths: list[str]
    places: np.ndarray
    truth: np.ndarray
    vectors: np.ndarray
    labels: list[str]

    def sequences(self) -> np.ndarray:
        """Return the sequence of each crop."""
        return np.array([path.partition("___")[0].rpartition("_")[0] for path in self.paths])

    def score(self, vectors: np.ndarray) -> tuple[int, float]:
        """Return errors and mean NLL."""
        true = np.maximum(vectors[np.arange(len(self.truth)), self.truth], 1e-6)
        return int((vectors.argmax(axis=1) != self.truth).sum()), float(-np.log(true).mean())


def tested(folder: Path, number: int | None) -> World:
    """Ask a world's head, or one learnt from a number of crops, about places it has not seen."""
    from embeddings import _features, _table

    from tf_classification.heads.head import Head
    from tf_classification.models.calibration import Calibration

    features = _features(folder / "test")
    if number is None:
        run = max((folder / "logs").iterdir())
        table = np.load(run / "head.npz")
        labels = json.loads((run / "params.json").read_text())["labels"]
        fitted = json.loads((run / "evaluation.json").read_text())["calibration"]
        logits = Head(table["kernel"], table["bias"]).logits(features)
        vectors = Calibration.from_json(fitted, labels).probabilities(logits)
    else:
        labels, vectors = _learnt(folder, number, features)
    paths, names, at = _table(folder / "test")
    truth = np.array([labels.index(name) for name in names])
    return World(folder / "test" / "image_level.json", paths, at, truth, vectors, labels)


def _learnt(folder: Path, number: int, asked: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Learn from some crops; return labels and calibrated vectors of what is asked about."""
    from tf_classification.evaluation import calibration
    from tf_classification.heads import folds

    lesson, labels = _lesson(folder)
    draw = np.random.default_rng(int(folder.name))
    part = lesson.of(np.sort(draw.permutation(len(lesson))[:number]))
    learnt = folds.learn(part, 0)
    fitted = calibration.temperature(learnt.logits, part.labels[learnt.rows])
    return labels, fitted.probabilities(learnt.head.logits(asked))


def _lesson(folder: Path) -> tuple[Lesson, list[str]]:
    from embeddings import _features, _table

    from tf_classification.heads.folds import Lesson

    _, names, places = _table(folder / "train")
    labels, truth = np.unique(names, return_inverse=True)
    number = np.unique(places, return_inverse=True)[1]
    features = _features(folder / "train")
    return Lesson(features, truth, number, np.ones(len(truth)), len(labels)), labels.tolist()


def recalibrated(worlds: list[World]) -> list[World]:
    """Divide each world's logits by the temperature that is best for all others together."""
    from tf_classification.evaluation import calibration

    logits = [np.log(np.maximum(w.vectors, 1e-12)) for w in worlds]
    found = []
    for i, world in enumerate(worlds):
        own = world.annotations.parents[1]
        others = [j for j, other in enumerate(worlds) if other.annotations.parents[1] != own]
        truth = np.concatenate([worlds[j].truth for j in others])
        fitted = calibration.temperature(np.concatenate([logits[j] for j in others]), truth)
        found.append(replace(world, vectors=fitted.probabilities(logits[i])))
    return found


def folded(folder: Path) -> World:
    """Ask heads about places that they did not see, of those that the world's head learnt from."""
    from embeddings import _table

    from tf_classification.evaluation import calibration
    from tf_classification.heads import folds

    lesson, labels = _lesson(folder)
    said, fair = folds.out_of_fold(lesson, [1.0], 0)
    logits, truth = said[1.0][fair], lesson.labels[fair]
    vectors = calibration.temperature(logits, truth).probabilities(logits)
    paths, _, places = _table(folder / "train")
    kept = [path for path, is_fair in zip(paths, fair, strict=True) if is_fair]
    annotations = folder / "train" / "image_level.json"
    return World(annotations, kept, places[fair], truth, vectors, labels)


def fused(world: World, folder: Path, *flags: object) -> np.ndarray:
    """Run the command; return the vectors in the crops' order."""
    from database_tools.formats import classifier_csv
    from tf_classification import fuse_sequences

    _write(world, folder)
    words = [folder / "out.csv", "-o", folder / "out", "-j", folder / "md.json", "-n", "head"]
    words += ["-t", 0, "--input_json", world.annotations, *flags]
    assert fuse_sequences.main(list(map(str, words))) == 0
    with classifier_csv.reading(folder / "out" / "classifier_output.csv.gz") as table:
        found = {
            path: row
            for rows in table
            for path, row in zip(rows.paths, rows.probabilities, strict=True)
        }
    return np.array([found[path] for path in world.paths])


def _write(world: World, folder: Path) -> None:
    """Write a classifier's table and detections with as many boxes as crops have."""
    from database_tools.core.names import CropName
    from database_tools.formats import classifier_csv

    with classifier_csv.writing(folder / "out.csv", world.labels) as table:
        table.write(world.paths, world.vectors)
    boxes: dict[str, int] = {}
    for crop in map(CropName.parse, world.paths):
        boxes[crop.image] = max(boxes.get(crop.image, 0), crop.box + 1)
    box = {"category": "1", "conf": 1.0, "bbox": [0.0, 0.0, 1.0, 1.0]}
    images = [{"file": name, "detections": [box] * n} for name, n in boxes.items()]
    info = {"detector": "drawn", "format_version": "1.6"}
    table = {"info": info, "detection_categories": {"1": "animal"}, "images": images}
    (folder / "md.json").write_text(json.dumps(table))


def smoothed(world: World, folder: Path) -> np.ndarray:
    """Let MegaDetector's tools smooth the single crops' classes; return (n, C) of 0 and 1."""
    from contextlib import redirect_stdout
    from io import StringIO

    from megadetector.postprocessing import classification_postprocessing as tools

    from database_tools.core.names import CropName

    fused(world, folder)  # writes what was said of single crops, too
    merged = json.loads((folder / "out" / "detections.json").read_text())
    for image in merged["images"]:
        for box in image["detections"]:
            box["classifications"] = box.pop("own_classifications")
    sequences = json.loads(world.annotations.read_text())["images"]
    for image in sequences:
        image["file_name"] = f"demo/{image['file_name']}"
    with redirect_stdout(StringIO()):
        found = tools.smooth_classification_results_sequence_level(merged, sequences)
    by_file = {image["file"]: image["detections"] for image in found["images"]}
    names = found["classification_categories"]
    vectors = np.zeros_like(world.vectors)
    for i, crop in enumerate(map(CropName.parse, world.paths)):
        number = by_file[crop.image][crop.box]["classifications"][0][0]
        vectors[i, world.labels.index(names[number])] = 1
    return vectors


def drivendata(world: World) -> np.ndarray:
    """Give each crop the mean of its sequence's vectors."""
    sequences, vectors = world.sequences(), np.empty_like(world.vectors)
    for sequence in np.unique(sequences):
        vectors[sequences == sequence] = world.vectors[sequences == sequence].mean(axis=0)
    return vectors


def by_truth(world: World) -> np.ndarray:
    """Group the boxes of a sequence by their true labels: what no grouping can be better than."""
    from database_tools.core import fusion

    sequences, vectors = world.sequences(), world.vectors.astype(np.float64)
    for sequence in np.unique(sequences):
        rows = np.flatnonzero(sequences == sequence)
        same, ones = 1 - 1e-12, np.ones(len(rows))
        vectors[rows] = fusion.fuse(vectors[rows], ones, world.truth[rows], "mean_log", same)
    return vectors


def compare(worlds: list[World], ways: dict[str, Callable[[World, Path], np.ndarray]]) -> None:
    """Print errors and NLL of each way."""
    print(f"{sum(len(world.paths) for world in worlds):,} crops of {len(worlds)} worlds")
    with tempfile.TemporaryDirectory() as name:
        found = {way: [w.score(f(w, Path(name))) for w in worlds] for way, f in ways.items()}
    single = np.array(found["single crops"], np.float64)
    for way, scores in found.items():
        table = np.array(scores, np.float64)
        errors = " ".join(f"{int(n):3d}" for n in table[:, 0])
        gone = 1 - table[:, 0].sum() / single[:, 0].sum()
        each = np.mean(1 - table[:, 0] / single[:, 0])
        said = f"{way:24} errors {errors}: {gone:4.0%} gone, in the mean of worlds {each:4.0%};"
        sure = "no NLL" if way == SMOOTHING else f"NLL {table[:, 1].mean():.3f}"
        print(said, sure, flush=True)


def fuse(args: argparse.Namespace) -> None:
    """Fuse at places that no head has seen."""
    worlds = _tested(args)
    ways = {
        "single crops": lambda w, _: w.vectors,
        "mean_log (default)": lambda w, f: fused(w, f),
        "mean": lambda w, f: fused(w, f, "--rule", "mean"),
        "product": lambda w, f: fused(w, f, "--rule", "product"),
        SMOOTHING: smoothed,
        "DrivenData's rule": lambda w, _: drivendata(w),
        "groups by true labels": lambda w, _: by_truth(w),
    }
    compare(worlds, ways)


def choose(args: argparse.Namespace) -> None:
    """Fuse at places of folds, with several --same."""
    worlds = [folded(folder) for folder in _folders(args)]
    ways = {"single crops": lambda w, _: w.vectors}
    for same in SAMES:
        ways[f"--same {same}"] = lambda w, f, same=same: fused(w, f, "--same", same)
    compare(worlds, ways)


def roll_up(args: argparse.Namespace) -> None:
    """Roll up single crops, and fused ones, at places that no head has seen."""
    from stand_ins import taxonomy

    from database_tools.core.tree_masses import TreeMasses
    from database_tools.formats import taxonomy_csv
    from tf_classification.predictions import rolling

    worlds = _tested(args)
    labels = worlds[0].labels
    with tempfile.TemporaryDirectory() as name:
        taxonomy(Path(name) / "taxonomy.csv")
        lineages = taxonomy_csv.read(Path(name) / "taxonomy.csv")
        together = np.concatenate([fused(w, Path(name)) for w in worlds])
    known = rolling.label_query.taxonomy(rolling._by_name(lineages, labels), lineages)
    tree = TreeMasses.of(labels, known)
    truth = np.concatenate([w.truth for w in worlds])
    places = [f"{i}/{place}" for i, w in enumerate(worlds) for place in w.places]
    places = np.unique(places, return_inverse=True)[1]
    single = np.concatenate([w.vectors for w in worlds]).astype(np.float64)
    anew = np.concatenate([w.vectors for w in recalibrated(worlds)]).astype(np.float64)
    five = np.where(single >= np.sort(single, axis=1)[:, -5, None], single, 0)
    print(f"{len(truth):,} crops of {places.max() + 1} places")
    for way, rows, targets in (
        ("single crops", single, TARGETS),
        ("calibrated at the other worlds' places", anew, TARGETS),
        ("fused", together, TARGETS),
        ("SpeciesNet's rule", five, (0.65,)),
    ):
        print(way)
        for target in targets:
            print(_judged(tree, rows, truth, places, target), flush=True)


def _judged(
    tree: TreeMasses, rows: np.ndarray, truth: np.ndarray, places: np.ndarray, target: float
) -> str:
    from database_tools.core import intervals

    masses = tree.masses(rows)
    answers = tree.answers(masses, target)
    right = tree.above[truth, answers]
    given = answers > 0
    mass = masses[np.arange(len(rows)), answers][given].mean()
    count = np.bincount(places[given], minlength=places.max() + 1)
    good = np.bincount(places[given], right[given], minlength=places.max() + 1)
    times = intervals.draws(len(count))
    low, high = intervals.interval((times @ good) / (times @ count), len(count))
    exact = np.isin(answers, tree.labels)[given].mean()
    share = good.sum() / count.sum()
    said = "" if mass >= low else ", which is less than that"
    said += "" if mass <= high else ", WHICH IS MORE THAN THAT"
    said += "" if high >= target else ", BELOW THE TARGET"
    return (
        f"  target {target:.2f}: {given.mean():4.0%} answered, {exact:4.0%} of them by a label; "
        f"right {share:.3f} [{low:.3f}, {high:.3f}], mean mass {mass:.3f}{said}"
    )


def _folders(args: argparse.Namespace) -> list[Path]:
    return [args.folder / str(seed) for seed in range(args.seeds)]


def _tested(args: argparse.Namespace) -> list[World]:
    return [tested(folder, args.learn) for folder in _folders(args)]


def million(args: argparse.Namespace) -> None:
    """Run both commands on many crops of 20 labels, three pictures an event."""
    from database_tools.formats import classifier_csv
    from tf_classification import fuse_sequences
    from tf_classification import roll_up as rolls

    labels = [f"label {i}" for i in range(20)]
    with tempfile.TemporaryDirectory() as name:
        folder, draw = Path(name), np.random.default_rng(0)
        files = [f"place{i // 300:05d}/{i % 300:03d}.jpg" for i in range(args.crops)]
        with classifier_csv.writing(folder / "out.csv.gz", labels) as table:
            for start in range(0, args.crops, 10_000):
                some = files[start : start + 10_000]
                rows = draw.dirichlet(np.full(20, 0.2), len(some)).astype(np.float32)
                table.write([f"{file}___crop00_mdv5.jpg" for file in some], rows)
        box = '[{"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.5, 0.5]}]'
        with (folder / "md.json").open("w") as stream:
            stream.write('{"info": {"format_version": "1.6"}, "detection_categories":')
            stream.write('{"1": "animal"}, "images": [')
            for i, file in enumerate(files):
                comma = ",\n" if i else ""
                stream.write(f'{comma}{{"file": "{file}", "detections": {box}}}')
            stream.write("]}")
        with (folder / "media.csv").open("w", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(("path", "location", "datetime"))
            for i, file in enumerate(files):
                minute, second = divmod(i % 300 // 3 * 120 + i % 3, 60)
                moment = f"2021-05-03 {minute // 60:02d}:{minute % 60:02d}:{second:02d}"
                writer.writerow((file, file.partition("/")[0], moment))
        head = "dataset_name,query,taxonomy_level,scientific_name,order,family,species\n"
        rows = (f"ds,{n},species,s{i},order,family{i // 4},s{i}\n" for i, n in enumerate(labels))
        (folder / "taxa.csv").write_text(head + "".join(rows))
        both = ["-j", folder / "md.json", "-n", "net"]
        for command, words in (
            (fuse_sequences, [folder / "out.csv.gz", "--media_csv", folder / "media.csv"]),
            (rolls, [folder / "out.csv.gz", "--taxonomy", folder / "taxa.csv"]),
        ):
            begin, spent = time.monotonic(), time.process_time()
            assert command.main([*map(str, [*words, *both, "-o", folder / "out"])]) == 0
            wall, cpu = time.monotonic() - begin, time.process_time() - spent
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{command.__name__}: {args.crops:,} crops, {wall:.0f} s, {cpu:.0f} CPU s,", end=" "
            )
            print(f"peak so far {peak:.0f} MB", flush=True)


def main() -> None:
    """Do one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {
        "fuse": fuse,
        "roll_up": roll_up,
        "choose": choose,
        "million": million,
    }
    parser.add_argument("what", choices=parts)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "worlds")
    parser.add_argument(
        "--part", choices=("test", "more"), default="more", help="places to test at"
    )
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--learn", type=int, help="from so many crops (default: all, as it was)")
    parser.add_argument("--crops", type=int, default=1_000_000)
    args = parser.parse_args()
    parts[args.what](args)


if __name__ == "__main__":
    main()
