r"""How far probabilities can be trusted at new locations of the demo world, before and after.

    python scripts/bench/calibration.py /tmp/demo_bench --seeds 3

Trains the documented demo recipe (see train_demo.py, whose pictures are used), calibrates at 6
other locations and judges at 24 others, with the commands of the README.
Target: calibration error after calibration (the temperature, which a training ends with) <= 0.04.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from train_demo import RECIPE, run, world  # the script beside this one

from tf_classification.evaluation.request import METHODS


def main() -> None:
    """Train once for each seed; print each calibration error and the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    base = world(args.folder, None)
    found = []
    for seed in range(args.seeds):
        found.append(errors(base, args.folder, seed))
        print(f"seed {seed}: {found[-1]}", flush=True)
    for name in found[0]:
        print(f"mean, {name}: {np.nanmean([row[name] for row in found]):.4f}")


def errors(base: Path, folder: Path, seed: int) -> dict[str, float]:
    """Return accuracy, and the calibration error on test by what was done to the logits."""
    with tempfile.TemporaryDirectory(dir=folder) as logs:
        train = ["tf_classification/train_classifier.py", str(base), str(base), *RECIPE]
        run([*train, "--label-weighted", "--seed", str(seed), "--logdir", logs])
        (logdir,) = Path(logs).iterdir()
        results = {}
        for method in METHODS:
            out = logdir / method
            words = [str(logdir / "params.json"), str(logdir / "bundle"), "--output-dir", str(out)]
            words += ["--splits", "test", "--calibrate", method]
            run(["tf_classification/evaluate_model.py", *words])
            test = json.loads((out / "evaluation.json").read_text(encoding="utf-8"))["splits"][
                "test"
            ]
            results["accuracy"] = test["new"]["accuracy"]["value"]
            results["plain softmax"] = test["calibration_error"]["before"]
            results[method] = test["calibration_error"]["after"]
            results[f"accepted, {method}"] = test["accepted"]["crops"]["coverage"]
            results[f"right of these, {method}"] = test["accepted"]["crops"]["precision"]
    # Where nothing is accepted, nothing is right or wrong.
    return {name: round(np.nan if v is None else v, 4) for name, v in results.items()}


if __name__ == "__main__":
    main()
