"""CPU time and memory of an epoch's plan for 10 million crops and 1,000 labels.

python scripts/bench/sampling_plan.py
python scripts/bench/sampling_plan.py --weights --max_per_location 50
"""

from __future__ import annotations

import argparse
import resource
import time

import numpy as np

from database_tools.core.sampling import EpochPlan, Sampling


def megabytes() -> float:
    """Return the largest memory of the process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Draw one epoch and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crops", type=int, default=10_000_000)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--weights", action="store_true", help="weights of single crops")
    parser.add_argument("--max_per_location", type=int)
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    shares = 1 / np.arange(1, options.labels + 1) ** 1.2  # few common, many rare labels
    labels = rng.choice(options.labels, options.crops, p=shares / shares.sum()).astype(np.int32)
    weights = rng.random(options.crops, np.float32) if options.weights else None
    locations = rng.integers(0, 5000, options.crops, np.int32)
    before = megabytes()

    start = time.process_time()
    sampling = Sampling(power=1, max_per_location=options.max_per_location)
    plan = EpochPlan(labels, sampling, weights, locations)
    made = time.process_time()
    drawn = np.bincount(labels[plan.indices(0)], minlength=options.labels)
    end = time.process_time()
    print(f"plan made in {made - start:.2f}, epoch drawn in {end - made:.2f} CPU s")
    print(f"memory {megabytes():.0f} MB, {before:.0f} MB of it before (input of this script)")
    print(f"{plan.size:,} draws, {drawn.min():,} to {drawn.max():,} of each label")


if __name__ == "__main__":
    main()
