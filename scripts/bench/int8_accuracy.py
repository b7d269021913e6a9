r"""What int8 costs in accuracy with ImageNet's weights, and what whole grey levels do.

    D=database_tools/make_demo_dataset.py
    python $D /tmp/learn --images 400 --locations 12 --classification_dataset
    python $D /tmp/judge --images 300 --locations 8 --first_location 100 --classification_dataset
    python scripts/bench/int8_accuracy.py /tmp/learn /tmp/judge --network efficientnet-lite0

A logistic regression on the frozen features of the first dataset's crops becomes the last layer;
the crops of the second, from places that it never saw, judge the same network in float32 and int8,
each with both ways to resize, and in float32 with a last layer learnt from int8's features, as by
train_head.  Probabilities are compared with those of float32, exactly resized.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score

from database_tools.formats import classification_csv
from tf_classification.embeddings import backbone
from tf_classification.export import litert
from tf_classification.models.description import RESIZE, RESIZE_ROUNDED, Description
from tf_classification.predictor import preparation
from tf_classification.predictor.litert import LiteRTRunner

CALIBRATION = 200  # crops, as export_model's default


def main() -> None:
    """Learn the head, convert, and print a line for each way to ask."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("learn", type=Path)
    parser.add_argument("judge", type=Path)
    parser.add_argument("--network", default="efficientnet-lite0")
    args = parser.parse_args()
    opened = backbone.of_table(args.network, pretrained=True)
    pixels, learned = crops(args.learn, opened.description)
    network = with_head(opened, features(opened, pixels), learned)
    chosen = np.random.default_rng(0).permutation(len(pixels))[:CALIBRATION]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(litert.convert_int8(network, pixels[np.sort(chosen)]))
        runner = LiteRTRunner(path)
        learnt_in_int8 = with_head(opened, runner(pixels, 1), learned)
        ways = {
            "float32": lambda rows: network.predict(rows, 16, verbose=0),
            "int8": runner,
            "int8 head": lambda rows: learnt_in_int8.predict(rows, 16, verbose=0),
        }
        report(ways, args.judge, opened.description)


def crops(folder: Path, described: Description) -> tuple[np.ndarray, np.ndarray]:
    """Prepare all crops of a demo dataset: pixels (N, S, S, 3), labels (N,)."""
    rows = list(classification_csv.read(folder / classification_csv.NAME))
    encoded = [(folder / "crops" / row.path).read_bytes() for row in rows]
    pixels = np.stack([preparation.prepare(one, described) for one in encoded])
    return pixels, np.array([row.labels[0] for row in rows])


def features(opened: backbone.Backbone, pixels: np.ndarray) -> np.ndarray:
    """Ask in small batches: (N, F)."""
    return np.concatenate([opened.features(pixels[i : i + 16]) for i in range(0, len(pixels), 16)])


def with_head(opened: backbone.Backbone, found: np.ndarray, labels: np.ndarray) -> keras.Model:
    """Learn the last layer and return the whole network."""
    from tf_classification.models import networks, weights

    fitted = LogisticRegression(C=0.01, max_iter=1000, class_weight="balanced").fit(found, labels)
    network = networks.build(opened.description.network, len(fitted.classes_))
    weights.take_over(network, opened.network)
    network.get_layer(weights.LAST).set_weights([fitted.coef_.T, fitted.intercept_])
    return network


def report(
    ways: dict[str, Callable[[np.ndarray], np.ndarray]], folder: Path, described: Description
) -> None:
    """Print accuracy, macro recall and what differs from the first way, exactly resized."""
    reference = None
    for resize in (RESIZE, RESIZE_ROUNDED):
        pixels, labels = crops(folder, replace(described, resize=resize))
        truth = np.unique(labels, return_inverse=True)[1]
        for name, logits in ways.items():
            shifted = np.exp((rows := logits(pixels)) - rows.max(axis=1, keepdims=True))
            answer = shifted / shifted.sum(axis=1, keepdims=True)
            reference = answer if reference is None else reference
            best, difference = answer.argmax(axis=1), np.abs(answer - reference)
            print(
                f"{name:10}{'whole levels' if resize == RESIZE_ROUNDED else 'exact':13}"
                f"accuracy {(best == truth).mean():.3f}, "
                f"macro recall {recall_score(truth, best, average='macro'):.3f}, "
                f"same answer {(best == reference.argmax(axis=1)).mean():.3f}, "
                f"probabilities {difference.mean():.5f} off, at most {difference.max():.3f}"
            )


if __name__ == "__main__":
    main()
