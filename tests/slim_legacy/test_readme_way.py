"""docs/slim.md, word by word on tiny records: Inception V4 on the CPU.

In a copy of the sources, because that page has people copy and edit them.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory, make_records):
    """A checkout with records beside it, and a way to run commands in its slim folder."""
    folder = tmp_path_factory.mktemp("checkout")
    ignore = shutil.ignore_patterns("__pycache__")
    for package in ("database_tools", "tf_classification", "slim_legacy"):
        shutil.copytree(ROOT / package, folder / package, ignore=ignore)
    make_records(folder / "tfrecords", train=6, test=3)
    (folder / "classlist.txt").write_text("red fox\nroe deer\nbadger", encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PYTHONPATH": str(folder)}

    def run(*words, **variables):
        result = subprocess.run(
            [str(word) for word in words],
            cwd=folder / "slim_legacy",
            env=env | variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result

    return folder, run


def test_the_readmes_way(place, capsys):
    folder, run = place
    slim = folder / "slim_legacy"

    # "copy one of the existing descriptors, adjust line 20 and 22"
    lines = (slim / "datasets" / "wellington.py").read_text(encoding="utf-8").splitlines()
    lines[19], lines[21] = "SPLITS_TO_SIZES = {'train': 6, 'test': 3}", "_NUM_CLASSES = 3"
    (slim / "datasets" / "newdataset.py").write_text("\n".join(lines), encoding="utf-8")

    # "copying one of the bash scripts ... adjust all the variables at the top"
    run("python", "make_random_checkpoint.py", folder / "inception_v4.ckpt")
    script = (slim / "train_well_inception_v4.sh").read_text(encoding="utf-8")
    variables = {
        "DATASET_NAME": "newdataset",
        "DATASET_DIR": folder / "tfrecords",
        "TRAIN_DIR": "log/2026-01-01_00.00.00_newdataset",
        "CHECKPOINT_PATH": folder / "inception_v4.ckpt",
        "BATCH_SIZE": 2,
        "INIT_STEPS": 1,
        "ALL_STEPS": 1,
        "LOG_EVERY_N_STEPS": 1,
    }
    for name, value in variables.items():
        script, replaced = re.subn(rf"^{name}=.*$", f"{name}={value}", script, flags=re.MULTILINE)
        assert replaced == 1
    (slim / "train_newdataset_inception_v4.sh").write_text(script, encoding="utf-8")

    # "the final top-1 and top-5 accuracy are reported at the end"
    result = run("bash", "train_newdataset_inception_v4.sh", EVAL_BATCH_SIZE="3")
    top1 = re.findall(r"^eval/Accuracy\[(\S+)\]$", result.stdout, re.MULTILINE)
    top5 = re.findall(r"^eval/Recall_5\[(\S+)\]$", result.stdout, re.MULTILINE)
    assert len(top1) == 2
    assert all(float(value) * 3 == pytest.approx(round(float(value) * 3)) for value in top1)
    assert top5 == ["1", "1"]  # three classes
    assert result.stderr.count("INFO:tensorflow:global step 1: loss = ") == 2
    assert "SPLITS_TO_SIZES" not in result.stderr  # the sizes agree

    # "freeze, predict a picture"
    frozen = folder / "newdataset.pb"
    run(
        "bash",
        "export_inference_graph_serengeti.sh",
        DATASET_NAME="newdataset",
        OUTPUT_GRAPH=str(frozen),
    )
    from PIL import Image

    Image.new("RGB", (320, 310), (180, 30, 30)).save(folder / "crop.jpg")
    words = ["--frozen_graph", frozen, "--classlist", folder / "classlist.txt"]
    words += ["--image_path", folder / "crop.jpg"]
    shown = run("python", "predict_image.py", *words).stdout.splitlines()
    assert shown[0] == "Prediction finished. Most likely classes:"
    answers = [re.fullmatch(r'    "(.+)" with confidence (\d+\.\d\d)%', x) for x in shown[1:]]
    assert {answer[1] for answer in answers} == {"red fox", "roe deer", "badger"}
    assert sum(float(answer[2]) for answer in answers) == pytest.approx(100, abs=0.02)
