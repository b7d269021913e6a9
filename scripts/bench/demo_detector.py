r"""How good is the demo world's detector where it has never been?

    python scripts/bench/demo_detector.py

Pictures of locations that neither its training nor the choice of its operating point saw are
judged by pycocotools' COCOeval at IoU 0.5; recall, precision and flagged empties at score 0.5.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from database_tools import detectors
from database_tools.demo import detector
from database_tools.demo.dataset import DemoDataset, make
from database_tools.imaging import loader

OPERATING_POINT = 0.5


def detections(graph: Path, folder: Path, images: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Detect, one picture at a time; yield COCO results with numbers for image ids."""
    detect = detectors.open(graph, batch_size=1).detect
    for number, image in enumerate(images, start=1):
        pixels = loader.load(folder / "images" / image["file_name"])
        [found] = detect([pixels])
        size = np.array([image["width"], image["height"]] * 2)
        for box, score in zip(found.boxes * size, found.scores, strict=True):
            result = {"image_id": number, "category_id": 1, "bbox": box.tolist()}
            yield result | {"score": float(score)}


def truth(table: dict[str, Any]) -> COCO:
    """The exact boxes as one class; pycocotools wants numbers for ids."""
    numbers = {image["id"]: i for i, image in enumerate(table["images"], start=1)}
    coco = COCO()
    coco.dataset = {
        "images": [{"id": number} for number in numbers.values()],
        "categories": [{"id": 1, "name": "animal"}],
        "annotations": [
            box | {"id": i, "image_id": numbers[box["image_id"]], "category_id": 1}
            for i, box in enumerate(table["annotations"], start=1)
        ],
    }
    coco.createIndex()
    return coco


def evaluate(coco: COCO, results: list[dict[str, Any]]) -> COCOeval:
    """Match results to the truth at IoU 0.5."""
    judge = COCOeval(coco, coco.loadRes(results), "bbox")
    judge.params.iouThrs = np.array([0.5])
    judge.params.areaRng, judge.params.areaRngLbl = [[0, 1e10]], ["all"]
    judge.params.maxDets = [100]
    judge.evaluate()
    judge.accumulate()
    return judge


def measure(folder: Path, graph: Path) -> dict[str, float]:
    """Judge the detector on a demo data set; shares, and milliseconds of CPU for a picture."""
    table = json.loads((folder / "boxes.json").read_text(encoding="utf-8"))
    start = time.process_time()
    results = list(detections(graph, folder, table["images"]))
    seconds = time.process_time() - start
    above = [r for r in results if r["score"] >= OPERATING_POINT]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = truth(table)
        whole, judged = evaluate(coco, results), evaluate(coco, above)
    hits = sum(int((one["dtMatches"] > 0).sum()) for one in judged.evalImgs if one)
    with_animal = {box["image_id"] for box in coco.dataset["annotations"]}
    empty = set(coco.getImgIds()) - with_animal
    flagged = {r["image_id"] for r in above}
    return {
        "recall": float(judged.eval["recall"][0, 0, 0, 0]),
        "precision": hits / len(above),
        "AP50": float(whole.eval["precision"][0, :, 0, 0, 0].mean()),
        "empties flagged": len(flagged & empty) / len(empty),
        "pictures with animals flagged": len(flagged & with_animal) / len(with_animal),
        "pictures": len(table["images"]),
        "boxes": len(coco.dataset["annotations"]),
        "CPU ms for a picture": 1000 * seconds / len(table["images"]),
    }


def main() -> None:
    """Make the pictures and the graph, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=600)
    parser.add_argument("--locations", type=int, default=16)
    parser.add_argument("--first_location", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    config = DemoDataset(**vars(parser.parse_args()), corrupt_files="none")
    with tempfile.TemporaryDirectory() as name:
        folder, graph = Path(name), Path(name) / "detector.pb"
        make(config, folder)
        detector.freeze(graph)
        print(f"weights {detector.WEIGHTS.stat().st_size:,} bytes, graph {graph.stat().st_size:,}")
        for what, figure in measure(folder, graph).items():
            print(f"{what}: {figure:.3f}" if figure <= 1 else f"{what}: {figure:.1f}")


if __name__ == "__main__":
    main()
