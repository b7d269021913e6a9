"""``<stage>_log_<time>.json``: what a cropping run left out, under the original tools' keys.

    {"images_missing_detections": ["ds/a.jpg"], "images_failed_download_or_crop": [],
     "num_new_downloads": 0, "num_new_crops": 17}

The ledger says the same with reasons; this is for who reads the original's logs.  Pictures in which
nothing was found, or nothing sure enough, are in neither list.
"""

from __future__ import annotations

import time
from pathlib import Path

from database_tools.core import reasons
from database_tools.core.ledger import Ledger
from database_tools.durable import files

MISSING, FAILED = "images_missing_detections", "images_failed_download_or_crop"

_MISSING = {
    reasons.NOT_IN_DETECTION_FILE,
    reasons.FAILURE_IN_DETECTION_FILE,
    reasons.NO_DETECTION_FILE,
    reasons.DETECTOR_FAILED,
    reasons.NOT_FINITE,
    reasons.VIDEO,
}
_FAILED = reasons.READING | reasons.CROPS | reasons.NAMES


def write(folder: Path, ledger: Ledger, new_crops: int, new_downloads: int = 0) -> Path:
    """Write the log of a run that ends now into ``folder`` and return its path."""
    lists = {
        key: sorted(name for why, names in ledger.dropped.items() if why in group for name in names)
        for key, group in ((MISSING, _MISSING), (FAILED, _FAILED))
    }
    numbers = {"num_new_downloads": new_downloads, "num_new_crops": new_crops}
    path = folder / f"{ledger.stage}_log_{time.strftime('%Y%m%d_%H%M%S')}.json"
    files.write_json(path, lists | numbers)
    return path
