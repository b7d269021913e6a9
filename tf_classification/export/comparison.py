"""What another format costs and gives, against the SavedModel: measured side by side.

The machine's noise is in every time, so each round runs all formats in turn, and the median of
the rounds' ratios counts, not the ratio of two times from different minutes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tf_classification.export.crops import Sample

Pixels = npt.NDArray[np.float32]
Run = Callable[[Pixels], npt.NDArray[np.float32]]

BATCH = 16
_ROUNDS = 5
_CPU_SECONDS = 0.4  # of one format in one round, at least


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: of the format.
        crops: number of crops that the next three are of.
        accuracy: share of crops whose best label is right.
        agreement: share of crops whose best label is the SavedModel's.
        difference: largest difference of a probability from the SavedModel's.
        per_cpu_second: crops per second of processor time, in batches of ``BATCH``.
        speed: the same over the SavedModel's.
    """

    name: str
    crops: int
    accuracy: float
    agreement: float
    difference: float
    per_cpu_second: float
    speed: float


def compare(runs: Mapping[str, Run], sample: Sample) -> list[Row]:
    """Compare formats; the first of them is the one the others are compared with.

    Args:
        runs: name to a function from (N, side, side, 3) float32 0..255 to probabilities
            (N, labels).
        sample: crops with their labels.
    """
    answers = {name: _in_batches(run, sample.pixels) for name, run in runs.items()}
    times = _times(runs, np.resize(sample.pixels, (BATCH, *sample.pixels.shape[1:])))
    reference = next(iter(runs))
    best = answers[reference].argmax(axis=1)
    return [
        Row(
            name=name,
            crops=len(answer),
            accuracy=float((answer.argmax(axis=1) == sample.labels).mean()),
            agreement=float((answer.argmax(axis=1) == best).mean()),
            difference=float(np.abs(answer - answers[reference]).max()),
            per_cpu_second=float(BATCH / np.median(times[name])),
            speed=float(np.median(times[reference] / times[name])),
        )
        for name, answer in answers.items()
    ]


def _in_batches(run: Run, pixels: Pixels) -> npt.NDArray[np.float32]:
    parts = [run(pixels[start : start + BATCH]) for start in range(0, len(pixels), BATCH)]
    return np.concatenate(parts)


def _times(runs: Mapping[str, Run], batch: Pixels) -> dict[str, npt.NDArray[np.float64]]:
    """Measure CPU seconds of a batch, (rounds,), for each format in turn, round by round."""
    repeats = {}
    for name, run in runs.items():
        run(batch)  # the first time sets things up
        repeats[name] = max(1, round(_CPU_SECONDS / max(_cpu(run, batch, 1), 1e-3)))
    rounds = [
        [_cpu(run, batch, repeats[name]) for name, run in runs.items()] for _ in range(_ROUNDS)
    ]
    return dict(zip(runs, np.array(rounds).T, strict=True))


def _cpu(run: Run, batch: Pixels, repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        run(batch)
    return (time.process_time() - start) / repeats


def text(rows: list[Row]) -> str:
    """Lay the table out for a terminal."""
    head = f"{'format':<12} {'accuracy':>9} {'agreement':>10} {'difference':>11} "
    lines = [f"{head}{'crops/CPU s':>12} {'speed':>6}"]
    lines += [
        f"{row.name:<12} {row.accuracy:>9.2%} {row.agreement:>10.2%} {row.difference:>11.1e} "
        f"{row.per_cpu_second:>12.1f} {row.speed:>6.2f}"
        for row in rows
    ]
    lines.append(f"{rows[0].crops} validation crops; speed over the SavedModel's, at batch {BATCH}")
    return "\n".join(lines)
