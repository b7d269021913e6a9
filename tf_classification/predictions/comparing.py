"""``compare_models.py``: what two classifiers say of the same crops, and where they differ.

Each is a folder with ``outputs_{split}.csv.gz``, a CSV of probabilities, or a model, which is
asked.  Columns meet by the names of labels; of each row only the highest is kept, so a million
crops take some megabytes.
"""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.formats import classifier_csv
from database_tools.imaging import UnreadableImage
from tf_classification.data.examples import Dataset, Examples
from tf_classification.evaluation import differences, outputs
from tf_classification.evaluation.differences import BY_LABEL, FIGURES, Comparison, Said
from tf_classification.predictions.compare_request import CompareRequest
from tf_classification.predictor import Predictor
from tf_classification.predictor.predictor import Floats
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs.config import PARAMS

log = logging.getLogger(__name__)

JSON, PAGE = "comparison.json", "comparison.html"
_BATCH = 32

Progress = Callable[..., Iterator[Any]]


@dataclass(frozen=True, eq=False)
class Compared:
    """What ``run`` finds.

    Attributes:
        names: of the two classifiers.
        split: whose crops they were asked about.
        labels: names of all labels, the dataset's first.
        locations: (dataset, location) of each location number.
        examples: the n crops that both tell something of.
        said: what each told, of these n.
        alone: crops that only the first, only the second and none of them tells something of.
        found: the figures.
    """

    names: tuple[str, str]
    split: str
    labels: tuple[str, ...]
    locations: tuple[tuple[str, str], ...]
    examples: Examples
    said: tuple[Said, Said]
    alone: tuple[int, int, int]
    found: Comparison

    def changed(self) -> dict[str, npt.NDArray[np.int64]]:
        """Return the rows of crops that are taken for another label, by what that did."""
        first, second = (s.predicted == self.examples.labels for s in self.said)
        other = self.said[0].predicted != self.said[1].predicted
        return {
            "right now": np.flatnonzero(other & second),
            "wrong now": np.flatnonzero(other & first),
            "wrong otherwise": np.flatnonzero(other & ~first & ~second),
        }


def run(asked: CompareRequest, progress: Progress) -> Compared:
    """Compare the two.

    Raises:
        UserError: if a file is missing or broken, or no crop has both answers.
    """
    dataset = run_dataset.load(asked.config(), training=False)
    examples, labels = dataset.splits[asked.split], list(dataset.label_names)
    if not len(examples):
        raise UserError(f"the dataset has no crop in the split {asked.split!r}")
    told = [_told(path, asked.split, dataset, labels, progress) for path in asked.models]
    there = np.stack([predicted >= 0 for predicted, _ in told])
    both = np.logical_and(*there)
    only = (int((there[0] & ~both).sum()), int((there[1] & ~both).sum()))
    alone = (*only, int((~there.any(axis=0)).sum()))
    if not both.any():
        raise UserError(f"no crop of {asked.split} has an answer of both: {_alone(alone)}")
    if any(alone):
        log.warning("WARNING: not compared, as there are not two answers: %s", _alone(alone))
    chosen = examples.select(both)
    first, second = (Said(predicted[both], sure[both]) for predicted, sure in told)
    found = differences.compare(chosen.labels, chosen.locations, first, second, len(labels))
    names = _names(asked.models)
    place = dataset.locations
    return Compared(names, asked.split, tuple(labels), place, chosen, (first, second), alone, found)


def _alone(alone: tuple[int, int, int]) -> str:
    return "{:,} crops of the first only, {:,} of the second only, {:,} of none".format(*alone)


def _names(paths: tuple[Path, Path]) -> tuple[str, str]:
    """Call the two by as much of their paths' ends as tells them apart."""
    parts = [path.resolve().parts for path in paths]
    for number in range(1, max(map(len, parts))):
        first, second = ("/".join(part[-number:]) for part in parts)
        if first != second:
            return first, second
    return "first", "second"  # one model, twice


def _told(
    path: Path, split: str, dataset: Dataset, labels: list[str], progress: Progress
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Return (n,) predicted labels, -1 for crops without an answer, and (n,) confidences.

    Args:
        path: of outputs, or of a model.
        split: of the crops.
        dataset: that has it.
        labels: names of all labels; those of the model that are not among them are added.
        progress: shows how many crops a model was asked about.
    """
    examples = dataset.splits[split]
    predicted, sure = np.full(len(examples), -1, np.int64), np.zeros(len(examples), np.float32)

    def note(
        rows: Sequence[int], table: npt.NDArray[np.floating], number: npt.NDArray[np.int64]
    ) -> None:
        best = table.argmax(axis=1)
        predicted[rows], sure[rows] = number[best], table[np.arange(len(rows)), best]

    own = path / outputs.file_name(split)
    csv = own if own.is_file() else path
    if csv.is_file() and csv.name.endswith((".csv", ".csv.gz")):
        places: defaultdict[str, list[int]] = defaultdict(list)
        for row in range(len(examples) - 1, -1, -1):  # keys of records may repeat, in order
            places[str(examples.keys[row])].append(row)
        with classifier_csv.reading(csv) as rows:
            number = _numbers(csv, rows.label_names, labels)
            for part in rows:
                there = [i for i, key in enumerate(part.paths) if places.get(key)]
                note(
                    [places[part.paths[i]].pop() for i in there], part.probabilities[there], number
                )
        return predicted, sure
    model = _model(path, split, dataset)
    number = _numbers(path, model.labels, labels)
    answers = progress(_asked(model, examples), total=len(examples), desc=path.name)
    for row, probabilities in answers:
        note([row], probabilities[None], number)
    return predicted, sure


def _numbers(path: Path, own: Sequence[str], labels: list[str]) -> npt.NDArray[np.int64]:
    if not own:
        raise UserError(f"{path}: no label has a column")
    labels += [name for name in own if name not in labels]
    return np.array([labels.index(name) for name in own], np.int64)


def _model(path: Path, split: str, dataset: Dataset) -> Predictor:
    from tf_classification import predictor

    if path.is_dir() and (path / PARAMS).is_file():
        rule = f"evaluate_model.py --splits {split} writes it"
        raise UserError(f"{path}: no {outputs.file_name(split)}; {rule}")
    model = predictor.open(path)
    learnt, cut = model.crop_recipe, dataset.crop_recipe
    if learnt is not None and cut is not None and (difference := cut.difference(learnt)):
        log.warning("crops are cut otherwise than %s learned from: %s", path, difference)
    return model


def _asked(model: Predictor, examples: Examples) -> Iterator[tuple[int, Floats]]:
    """Yield the row and the (labels,) probabilities of each crop that can be decoded."""
    for start in range(0, len(examples), _BATCH):
        rows = np.arange(start, min(start + _BATCH, len(examples)))
        prepared = {}
        for row, crop in zip(rows.tolist(), examples.reader(rows), strict=True):
            with contextlib.suppress(UnreadableImage):
                prepared[row] = model.pixels(crop)
        if prepared:
            table = model.of_pixels(list(prepared.values()))
            yield from zip(prepared, table, strict=True)


def as_json(of: Compared) -> dict[str, Any]:
    """Return what ``comparison.json`` says."""
    figures = of.found.figures
    table: dict[str, Any] = {
        "first": of.names[0],
        "second": of.names[1],
        "split": of.split,
        "crops": len(of.examples),
        "locations": len(of.found.places),
        "not_compared": dict(zip(("first_only", "second_only", "none"), of.alone, strict=True)),
        "changed": {name: len(rows) for name, rows in of.changed().items()},
    }
    table["figures"] = {
        name: {
            "first": float(figures[name].first),
            "second": float(figures[name].second),
            "difference": float(figures[name].change),
            "interval": interval(*map(float, figures[name].interval)),
            "verdict": differences.verdict(name, figures[name], of.names),
        }
        for name in FIGURES
    }
    table["labels"] = {
        label: {"crops": int(of.found.crops[i])}
        | {name: _of_label(figures[name], i) for name in BY_LABEL}
        for i, label in enumerate(of.labels)
    }
    right = of.found.place_right.astype(int).tolist()
    table["by_location"] = [
        {"location": list(of.locations[place]), "crops": int(crops), "right": [a, b]}
        for place, crops, a, b in zip(of.found.places, of.found.place_crops, *right, strict=True)
    ]
    return table


def _of_label(figure: differences.Difference, i: int) -> dict[str, Any]:
    def known(value: float) -> float | None:
        return None if np.isnan(value) else float(value)

    bounds = (float(bound[i]) for bound in figure.interval)
    return {
        "first": known(figure.first[i]),
        "second": known(figure.second[i]),
        "interval": interval(*bounds),
    }


def interval(low: float, high: float) -> list[float] | None:
    """Return an interval as JSON has it; None for none."""
    return [low, high] if low <= high else None


def write(of: Compared, folder: Path) -> None:
    """Write ``comparison.json`` and ``comparison.html``."""
    from tf_classification.predictions import comparison_page

    files.write_json(folder / JSON, as_json(of))
    files.write_text(folder / PAGE, comparison_page.page(of))


def text(of: Compared) -> str:
    """Return the figures as lines for people."""
    lines = [f"{len(of.examples):,} crops of {len(of.found.places):,} locations, {of.split}"]
    lines += [f"first:  {of.names[0]}", f"second: {of.names[1]}", ""]
    lines.append(f"{'':<18}   first  second  difference     95 % interval")
    for name in FIGURES:
        found = of.found.figures[name]
        low, high = map(float, found.interval)
        bounds = f"{low:+.3f} to {high:+.3f}" if low <= high else "-"
        numbers = f"{float(found.first):.3f}   {float(found.second):.3f}  {found.change:+10.3f}"
        said = differences.verdict(name, found, ("the first", "the second"))
        lines.append(f"{name.replace('_', ' '):<18}   {numbers}  {bounds:>16}  {said}")
    counts = (f"{len(rows):,} {name}" for name, rows in of.changed().items())
    return "\n".join([*lines, "", f"crops taken for another label: {', '.join(counts)}"])
