"""A detector that TF-Vision trains and exports is one that every command here takes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from database_tools import detectors, imaging

ROOT = Path(__file__).parents[1]
PYTHON = os.environ.get("GARDEN_PYTHON", "")


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON, reason="GARDEN_PYTHON names no Python with the extra [garden]")
def test_an_exported_retinanet_detects(tmp_path):
    world, output = tmp_path / "world", tmp_path / "detector"
    few = ("--images", "24", "--locations", "4", "--corrupt_files", "none")
    made = ("database_tools/make_demo_dataset.py", world, *few)
    export = ("scripts/export_garden_detector.py", world / "boxes.json", world / "images", output)
    for words in (made, (*export, "--steps", "4", "--batch_size", "2")):
        command = [PYTHON, *map(str, words)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        result = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr[-3000:]
    detector = detectors.open(output)
    detector.check()
    assert detector.categories == {"1": "animal", "2": "person", "3": "vehicle"}
    pictures = [imaging.load(file) for file in sorted(world.glob("images/*/*.jpg"))[:2]]
    for found in detector.detect(pictures):
        assert set(found.categories) <= set(detector.categories)
        assert (found.boxes[:, :2] >= 0).all()
        assert (found.boxes[:, :2] + found.boxes[:, 2:] <= 1 + 1e-6).all()
