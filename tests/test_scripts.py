"""The demo, whole, on few pictures: what a newcomer runs first must work."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_demo_makes_everything_that_it_names(tmp_path):
    pytest.importorskip("uvicorn", reason="the demo serves its model: extra [serve]")
    settings = {
        "DEMO_OUTPUT": str(tmp_path),
        "DEMO_IMAGES": "200",
        "DEMO_EPOCHS": "2",
        "TF_CLASSIFICATION_SKIP_INSTALL": "1",
    }
    result = subprocess.run(
        ["bash", "scripts/demo.sh"],
        cwd=ROOT,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    assert result.stdout.count("accuracy on new locations") == 3
    for name in (
        "coco/preview.html",
        "coco/train.json",
        "tfrecords/dataset_info.json",
        "stats.txt",
    ):
        assert (tmp_path / name).is_file()
    runs = ("from_crops", "from_records", "two_processes")
    assert all(list(tmp_path.glob(f"{run}/*/bundle/1/saved_model.pb")) for run in runs)
    assert list(tmp_path.glob("from_crops/*/report.html"))
