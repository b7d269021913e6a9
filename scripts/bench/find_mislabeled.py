r"""Wrong labels that are found, and unknown animals that are told, in worlds of embeddings.py.

    python scripts/bench/embeddings.py worlds --seeds 5
    python scripts/bench/find_mislabeled.py flips --folder /tmp/worlds --worlds 5 --seeds 4
    python scripts/bench/find_mislabeled.py unknown --folder /tmp/worlds --worlds 5

``flips`` makes labels of the places to learn from wrong: single ones, whole bursts, or pairs of
species that are taken for each other.  Printed is the share of the wrong ones in the first part of
the list, of 10 % wrong ones at most a half can be in the first 5 %.  Floors with 5 %: .65 in the
first 5 %, .85 in 10 %.  cleanlab (pip install cleanlab) ranks by the same probabilities.  Heads
have the usual strength, as it is rarely another.  ``unknown`` leaves out one species after the
other, and asks about crops of the other places: AUROC, how many of it are told, and known ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from embeddings import _table
from threadpoolctl import threadpool_limits

from database_tools.core.names import picture_of
from database_tools.core.split_leaks import numbered
from tf_classification.embeddings import index
from tf_classification.embeddings.index import Embeddings
from tf_classification.heads import doubts, folds, held_out, strangers
from tf_classification.heads.held_out import Crops
from tf_classification.review import witnesses

KINDS = (("single", 0.01), ("single", 0.05), ("single", 0.1), ("bursts", 0.05), ("pairs", 0.05))
LOOKS = (0.05, 0.06, 0.1)


def _crops(folder: Path) -> tuple[Embeddings, Crops, list[str]]:
    found = index.open(folder / "embeddings")
    paths, labels, places = _table(folder)
    names, numbers = np.unique(labels, return_inverse=True)
    place = np.unique(places, return_inverse=True)[1]
    return found, Crops(found.rows(paths), numbers, place, len(names)), [*map(picture_of, paths)]


def _flipped(kind: str, share: float, crops: Crops, bursts: np.ndarray, seed: int) -> np.ndarray:
    draw, labels, number = np.random.default_rng(seed), crops.labels.copy(), crops.num_labels
    wanted = max(1, round(share * len(labels)))
    units: Iterator[np.ndarray]
    if kind == "bursts":
        units = (np.flatnonzero(bursts == b) for b in draw.permutation(np.unique(bursts)))
    else:
        units = (np.array([row]) for row in draw.permutation(len(labels)))
    partner = draw.permutation(number).reshape(-1, 2)
    taken_for = {int(a): int(b) for pair in partner for a, b in (pair, pair[::-1])}
    wrong = 0
    while wrong < wanted:
        rows = next(units)
        own = int(labels[rows[0]])
        other = int((own + draw.integers(1, number)) % number)
        labels[rows] = taken_for[own] if kind == "pairs" else other
        wrong += len(rows)
    return labels


def flips(args: argparse.Namespace) -> None:
    """Find wrong labels."""
    from cleanlab.rank import get_label_quality_scores

    folds.STRENGTHS = (1.0,)
    worlds = [_crops(args.folder / str(i) / "train") for i in range(args.worlds)]
    for kind, share in KINDS:
        scores: dict[str, list[list[float]]] = {}
        for i, (found, crops, pictures) in enumerate(worlds):
            shots = args.folder / str(i) / "train/image_level.json"
            bursts = witnesses.bursts(pictures, None, shots)
            for seed in range(args.seeds):
                labels = _flipped(kind, share, crops, bursts, args.seeds * i + seed)
                logs, fair = held_out.log_probabilities(found, replace(crops, labels=labels), seed)
                probabilities = np.exp(logs.astype(np.float64))
                probabilities /= probabilities.sum(axis=1, keepdims=True)
                alone = np.arange(len(labels))
                ranks = {
                    "ours": doubts.doubt(logs, labels, bursts, numbered(pictures)).odds,
                    "without bursts": doubts.doubt(logs, labels, alone, alone).odds,
                }
                for method in (
                    "self_confidence",
                    "normalized_margin",
                    "confidence_weighted_entropy",
                ):
                    ranks[f"cleanlab {method}"] = -get_label_quality_scores(
                        labels, probabilities, method=method
                    )
                for name, rank in ranks.items():
                    order = np.argsort(-np.where(fair, rank, -np.inf), kind="stable")
                    wrong = (labels != crops.labels)[order]
                    parts = [wrong[: round(look * len(wrong))].sum() for look in LOOKS]
                    scores.setdefault(name, []).append(np.array(parts) / wrong.sum())
        print(f"{kind}, {share:.0%} wrong, in the first {', '.join(f'{x:.0%}' for x in LOOKS)}:")
        for name, every in scores.items():
            print(f"  {name:<36}", *(f"{x:.3f}" for x in np.mean(every, axis=0)), flush=True)


def unknown(args: argparse.Namespace) -> None:
    """Tell a species that was left out."""
    from sklearn.metrics import roc_auc_score

    every = []
    for i in range(args.worlds):
        found, crops, _ = _crops(args.folder / str(i) / "train")
        others, asked, _ = _crops(args.folder / str(i) / "test")
        features = others.features(asked.rows).mean(axis=1)
        rows = []
        for label in range(crops.num_labels):
            lesson = crops.lesson(found, np.flatnonzero(crops.labels != label))
            with threadpool_limits(1):
                head = folds.Learner(lesson, 0).head(1.0)
            none = np.zeros((0, features.shape[1]), np.float32)
            known = strangers.learn(lesson, head, 1.0, none, args.false_alarms, 0)
            assert known is not None  # there are hundreds
            beyond, new = known.beyond(features, head.logits(features)), asked.labels == label
            rows.append([roc_auc_score(new, beyond), *_told(beyond > 0, new)])
            least = np.quantile(beyond[~new], 1 - args.false_alarms)
            rows[-1].append((beyond[new] > least).mean())
        every.append(np.mean(rows, axis=0))
        print(f"world {i}:", *(f"{x:.3f}" for x in every[-1]), flush=True)
    words = (
        "AUROC",
        "told",
        "known ones taken for unknown",
        "told were these as many as asked for",
    )
    for name, value in zip(words, np.mean(every, axis=0), strict=True):
        print(f"{name}: {value:.3f}")


def _told(said: np.ndarray, new: np.ndarray) -> tuple[float, float]:
    return said[new].mean(), said[~new].mean()


def main() -> None:
    """Do one of the parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts: dict[str, Callable[[argparse.Namespace], None]] = {"flips": flips, "unknown": unknown}
    parser.add_argument("part", choices=parts)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/worlds"))
    parser.add_argument("--worlds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=4, help="of each world")
    parser.add_argument("--false_alarms", type=float, default=0.05)
    args = parser.parse_args()
    parts[args.part](args)


if __name__ == "__main__":
    main()
