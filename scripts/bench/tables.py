"""CPU time of the tables between labels and training, beside the original's way of making them.

python scripts/bench/tables.py splits counts sampling taxonomy csv

The original's ways are re-enacted here, in our own words: pandas for each of 10,000 splits, a scan
of all pictures for each label, a graph of networkx for the taxonomy (pip install networkx pandas),
and a whole table in memory for the CSV.
"""

from __future__ import annotations

import argparse
import ast
import itertools
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from database_tools.core import label_sampling, split_search
from database_tools.core.label_spec import LabelRule
from database_tools.formats import taxonomy_csv
from database_tools.formats.queried_images import QueriedImage
from database_tools.labels_db.queries import _Counted

CROPS, PLACES, LABELS, TRIES = 100_000, 948, 169, 10_000


def compare(name: str, ours: Callable[[], Any], theirs: Callable[[], Any], times: float = 1) -> Any:
    """Print what both take, theirs as many times as measured, and return both results."""
    results, seconds = [], []
    for work in (theirs, ours):
        begin = time.process_time()
        results.append(work())
        seconds.append(time.process_time() - begin)
    original, here = seconds[0] * times, seconds[1]
    print(f"{name:<10} original {original:7.2f}  ours {here:6.3f}  {original / here:5.1f} times")
    return results


def crops() -> tuple[np.ndarray, np.ndarray]:
    """Draw place and label of each crop; places have a few labels, labels a Zipf distribution."""
    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, LABELS + 1)
    at = rng.integers(0, PLACES, CROPS)
    return at, rng.choice(LABELS, CROPS, p=shares / shares.sum())


def splits() -> None:
    """10,000 tries; the original's are timed for a twentieth of them."""
    import pandas as pd

    at, label = crops()
    frame = pd.DataFrame({"place": [f"ds/{x}" for x in at], "label": [f"l{x}" for x in label]})
    table = frame.groupby(["place", "label"]).size().unstack(fill_value=0)
    names, rng = table.index.to_numpy(), np.random.default_rng(1)

    def original() -> float:
        best, total, places = np.inf, table.sum(), (table > 0).sum()
        for _ in range(TRIES // 20):
            jitter = rng.uniform(-0.03, 0.03, 2)
            order = rng.permutation(names)
            ends = np.cumsum(((np.array([0.6, 0.2]) + jitter) * len(names)).astype(int))
            score = 0.0
            for part, target in zip(np.split(order, ends), (0.6, 0.2, 0.2), strict=True):
                inside = table.loc[part]
                score += 2 * ((inside.sum() / total - target) ** 2).sum()
                score += (((inside > 0).sum() / places - target) ** 2).sum()
            best = min(best, score)
        return best

    counts = table.to_numpy(np.int64)
    theirs, choice = compare(
        "splits", lambda: split_search.random(counts, 0.2, 0.2, 0), original, times=20
    )
    ours = split_search.score(counts, choice[None], (0.6, 0.2, 0.2))[0]
    print(f"{'':<10} score {theirs:.3f} after {TRIES // 20} tries, ours {ours:.3f} after {TRIES}")


def images() -> list[QueriedImage]:
    """Make the pictures that a query has found."""
    at, label = crops()
    return [
        QueriedImage(f"ds{p % 20}", f"{i}.jpg", int(p), "x", (f"l{k}",), None)
        for i, (p, k) in enumerate(zip(at.tolist(), label.tolist(), strict=True))
    ]


def counts() -> None:
    """Pictures of each label: the original asks each picture for each label."""
    found = images()
    labels = [f"l{k}" for k in range(LABELS)]
    counted = _Counted()
    for image in found:  # what both have read
        counted.add(image)

    def ours() -> dict[str, int]:
        candidates = counted.candidates(set())
        return {label: len(candidates.get(label, ())) for label in labels}

    def original() -> dict[str, int]:
        return {label: sum(label in image.labels for image in found) for label in labels}

    theirs, here = compare("counts", ours, original)
    assert theirs == here


def sampling() -> None:
    """At most 300 of each label, two levels of datasets before the others."""
    found = images()
    counted = _Counted()
    for image in found:
        counted.add(image)
    levels = (("ds0", "ds1"), ("ds2",))
    spec = {f"l{k}": LabelRule(max_count=300, prioritize=levels) for k in range(LABELS)}

    def original() -> set[int]:
        rng, chosen = random.Random(0), set()
        for label in spec:
            left = 300
            for level in (*levels, None):
                its = {
                    i
                    for i, image in enumerate(found)
                    if label in image.labels and (level is None or image.dataset in level)
                }
                left -= len(its & chosen)
                free = sorted(its - chosen)
                taken = rng.sample(free, max(0, min(left, len(free))))
                chosen |= set(taken)
                left -= len(taken)
        return chosen

    candidates = counted.candidates(set())
    compare("sampling", lambda: label_sampling.sample(candidates, spec, 0), original)


def taxonomy() -> None:
    """7,000 rows of 700 species in ten ranks."""
    import networkx
    import pandas as pd

    ranks = ("species", "genus", "subfamily", "family", "suborder", "order")
    above = [(5, "class", "mammalia", []), (6, "phylum", "chordata", []), (7, "kingdom", "x", [])]
    rows = ["dataset_name,query,source,taxonomy_level,scientific_name,taxonomy_string"]
    for i in range(7000):
        kind = i % 700
        lineage = [
            (f"{r}{kind >> r}", rank, f"{rank}{kind >> r}", []) for r, rank in enumerate(ranks)
        ]
        lineage = [
            (int(n) if str(n).isdigit() else 9, rank, name, c) for n, rank, name, c in lineage
        ]
        text = str(lineage + above).replace('"', '""')
        rows.append(f'ds{i % 200},animal {i},gbif,species,species{kind},"{text}"')

    def original(path: Path) -> int:
        graph, ids = networkx.DiGraph(), {}
        for _, row in pd.read_csv(path).iterrows():
            lineage = ast.literal_eval(row["taxonomy_string"])
            nodes = [(rank.lower(), name.lower()) for _, rank, name, _ in lineage]
            for node, (number, *_) in zip(nodes, lineage, strict=True):
                ids.setdefault(node, set()).add((row["source"], number))
            for child, parent in itertools.pairwise(nodes):
                graph.add_edge(parent, child)
        assert networkx.is_directed_acyclic_graph(graph)
        tree = networkx.DiGraph()
        for node in graph:
            parents = list(graph.predecessors(node))
            if len(parents) == 2:
                first, second = parents
                lower = first if first in networkx.descendants(graph, second) else second
                parents = [lower]
            tree.add_edges_from((parent, node) for parent in parents)
        return len(tree)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "taxonomy.csv"
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")
        theirs, tree = compare("taxonomy", lambda: taxonomy_csv.read(path), lambda: original(path))
    assert theirs == len(tree.taxa)


OURS = """
from pathlib import Path
from database_tools.datasets import training_dataset
from database_tools.datasets.training_config import TrainingConfig
training_dataset.make(TrainingConfig(folder / "out", ("csv",), None, folder / "queried.json",
    folder / "crops", folder / "cache", "4.1", threshold=0.5))
"""

ORIGINAL = """
import json, os
import pandas as pd
queried = json.load(open(folder / "queried.json"))
cache = {}
rows = []
for path, info in queried.items():
    dataset, file = path.split("/", 1)
    if dataset not in cache:
        table = json.load(open(folder / "cache" / "v4.1" / f"{dataset}.json"))
        cache[dataset] = {image["file"]: image for image in table["images"]}
    for i, box in enumerate(cache[dataset][file]["detections"]):
        crop = f"{path}___crop{i:02d}_mdv4.1.jpg"
        if box["conf"] >= 0.5 and os.path.exists(folder / "crops" / crop):
            row = [crop, dataset, info["location"], info["class"], box["conf"], info["label"][0]]
            rows.append(row)
names = ["path", "dataset", "location", "dataset_class", "confidence", "label"]
pd.DataFrame(rows, columns=names).to_csv(folder / "theirs.csv", index=False)
"""

AROUND = """
import logging, re, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
{}
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(f"{{time.process_time():6.2f}} CPU s, start of Python included  {{int(peak) / 1000:6.1f}} MB")
"""


def csv() -> None:
    """100,000 crops on the disk, both ways in processes of their own."""
    at, label = crops()
    with tempfile.TemporaryDirectory() as name:
        folder, queried = Path(name), {}
        boxes = [{"category": "1", "conf": 0.9, "bbox": [0.1, 0.1, 0.2, 0.2]}]
        by_dataset: dict[str, list[dict[str, Any]]] = {}
        for i, (p, k) in enumerate(zip(at.tolist(), label.tolist(), strict=True)):
            dataset, file = f"ds{p % 5}", f"{p}/{i}.jpg"
            path = folder / "crops" / dataset / f"{file}___crop00_mdv4.1.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            one = {"dataset": dataset, "location": str(p), "class": f"x{k}", "label": [f"l{k}"]}
            queried[f"{dataset}/{file}"] = one
            image = {"file": file, "max_detection_conf": 0.9, "detections": boxes}
            by_dataset.setdefault(dataset, []).append(image)
        (folder / "queried.json").write_text(json.dumps(queried), encoding="utf-8")
        (folder / "cache" / "v4.1").mkdir(parents=True)
        info = {"detector": "md_v4.1", "format_version": "1.0"}
        for dataset, its in by_dataset.items():
            table = {"info": info, "detection_categories": {"1": "animal"}, "images": its}
            path = folder / "cache" / "v4.1" / f"{dataset}.json"
            path.write_text(json.dumps(table), encoding="utf-8")
        for who, program in (("original", ORIGINAL), ("ours", OURS)):
            print(f"csv {who:<9}", end="", flush=True)
            words = [sys.executable, "-c", AROUND.format(program), name]
            subprocess.run(words, check=True, stderr=subprocess.DEVNULL)
        ours = (folder / "out" / "classification_ds.csv").read_bytes()
        assert ours == (folder / "theirs.csv").read_bytes()


def main() -> None:
    """Run the benchmarks that are named, or all."""
    every = {one.__name__: one for one in (splits, counts, sampling, taxonomy, csv)}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*every, []], default=list(every))
    for name in parser.parse_args().names:
        every[name]()


if __name__ == "__main__":
    main()
