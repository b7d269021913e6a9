"""Pictures from a container of Azurite where one request in ten fails, against where none does.

python scripts/bench/azure_blobs.py --images 300 --threads 50 --rounds 3

Both go through the same proxy, which resets connections, answers 503 or cuts answers.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests"))

import azurite
import faulty_proxy

from database_tools import stores
from database_tools.stores import downloads
from database_tools.stores.downloads import Wish

BYTES, MOST = 500_000, 2.5
KINDS = {
    "undisturbed": {},
    "10 % resets": {faulty_proxy.RESET: 0.1},
    "10 % 503": {faulty_proxy.BUSY: 0.1},
    "10 % cut": {faulty_proxy.CUT: 0.1},
}


def seconds(url: str, wishes: list[Wish], threads: int) -> float:
    """Fetch all pictures into a new folder, and return how long that took."""
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        ledger, new = downloads.fetch_all(wishes, stores.open_store(url), Path(folder), threads)
        taken = time.perf_counter() - begun
    assert new == len(wishes), ledger.summary()
    return taken


def main() -> None:
    """Print the seconds of each kind, the best of all rounds, its ratio; end with 1 above 2.5."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=300)
    parser.add_argument("--threads", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    names = [f"{i}.jpg" for i in range(args.images)]
    times: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with tempfile.TemporaryDirectory() as folder, azurite.started(Path(folder)) as blobs:
        blobs.fill("pictures", {n: random.Random(n).randbytes(BYTES) for n in names})
        for i in range(args.rounds):
            for kind, faults in KINDS.items():
                with faulty_proxy.running(blobs.port, faults, seed=i) as proxy:
                    endpoint = f"http://127.0.0.1:{proxy.server_address[1]}/{{account}}"
                    os.environ["AZURE_BLOB_ENDPOINT"] = endpoint
                    wishes = [Wish(name, name) for name in names]
                    times[kind].append(seconds(blobs.url("pictures"), wishes, args.threads))
    best = {kind: min(all_) for kind, all_ in times.items()}
    for kind, all_ in times.items():
        ratio, median = best[kind] / best["undisturbed"], statistics.median(all_)
        print(f"{kind:12} {best[kind]:6.2f} s  {ratio:.2f}  median {median:.2f} s")
    if max(best.values()) > MOST * best["undisturbed"]:
        raise SystemExit(f"a disturbed run took more than {MOST} times an undisturbed one")


if __name__ == "__main__":
    main()
