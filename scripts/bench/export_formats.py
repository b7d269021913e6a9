"""Other formats against the SavedModel and the frozen graph: EfficientNet-B0 on the CPU.

    python scripts/bench/export_formats.py --rounds 7

First the networks alone, in batches of 16: the SavedModel's pixels signature, and each format's
file.  Then with JPEG decoding and resizing, by the predictor: the frozen float graph that decodes,
and the int8 file with Pillow.  Each round measures all in turn; processor seconds of this process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from serving import crops, write_bundle

BATCH = 16
REPEATS = 6


def networks_alone(path: Path, folder: Path, pixels: np.ndarray) -> dict[str, Callable[[], object]]:
    """Write all formats and return a call of each, the SavedModel's first."""
    import tensorflow as tf

    from tf_classification.export import exporting, onnx_file, openvino_file
    from tf_classification.export.crops import Sample
    from tf_classification.export.table import FORMATS
    from tf_classification.models import bundle
    from tf_classification.predictor import litert

    source = bundle.read(path)
    network = source.network()
    model = tf.saved_model.load(path)
    tensor = tf.constant(pixels)
    calls = {"savedmodel": lambda: model.signatures["serving_pixels"](pixels=tensor)}
    runners = {
        "litert": litert.LiteRTRunner,
        "litert-int8": litert.LiteRTRunner,
        "onnx": onnx_file.OnnxRunner,
        "openvino": openvino_file.OpenVinoRunner,
    }
    sample = Sample(pixels, np.zeros(len(pixels), np.int32))
    for name, make in runners.items():
        file = folder / FORMATS[name].file
        exporting.write(name, network, file, sample)
        runner = make(file)
        calls[name] = lambda runner=runner: runner(pixels)
    facts = source.description.to_json() | {"files": {n: FORMATS[n].file for n in runners}}
    (folder / "model.json").write_text(json.dumps(facts), encoding="utf-8")
    return calls


def with_decoding(
    path: Path, folder: Path, encoded: list[bytes]
) -> dict[str, Callable[[], object]]:
    """Return a call of the frozen float graph and of int8, both from files of crops."""
    from tf_classification import predictor
    from tf_classification.export.table import FORMATS

    ways = {"frozen": path, "litert-int8": folder / FORMATS["litert-int8"].file}
    return {
        f"{name}, decoding": partial(predictor.open(file).of_encoded, encoded)
        for name, file in ways.items()
    }


def cpu(call: Callable[[], object]) -> float:
    """Processor seconds of one call."""
    start = time.process_time()
    for _ in range(REPEATS):
        call()
    return (time.process_time() - start) / REPEATS


def measure(calls: dict[str, Callable[[], object]], rounds: int) -> None:
    """Measure in turn and print crops per processor second, and the ratio to the first."""
    for call in calls.values():
        call()
    times = [{name: cpu(call) for name, call in calls.items()} for _ in range(rounds)]
    first = next(iter(calls))
    for name in calls:
        ratios = [one[first] / one[name] for one in times]
        speed = BATCH / statistics.median(one[name] for one in times)
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:<24}{speed:8.1f} crops/CPU s {statistics.median(ratios):6.2f} ({spread})")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="formats of EfficientNet-B0 on the CPU")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    encoded = crops(BATCH)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = write_bundle(folder)

        import tensorflow as tf

        from tf_classification.data import transforms

        decoded = [transforms.decode_for_evaluation(tf.constant(file), 224) for file in encoded]
        measure(networks_alone(path, folder, np.stack(decoded)), args.rounds)
        measure(with_decoding(path, folder, encoded), args.rounds)


if __name__ == "__main__":
    main()
