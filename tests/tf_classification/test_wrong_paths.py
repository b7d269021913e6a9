"""What a command's paths name is looked at before TensorFlow is loaded, which takes seconds."""

from __future__ import annotations

import subprocess
import sys

import pytest

ASK = """
import sys
from importlib import import_module
status = import_module(f"tf_classification.{sys.argv[1]}").main(sys.argv[2:])
sys.exit(9 if "tensorflow" in sys.modules else status)
"""
PRETRAINED = "--model-name efficientnet-lite0 --pretrained --output_dir out"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run_classifier empty full out.csv", "empty is not a model bundle"),
        ("run_classifier empty empty out.csv", "empty: no crop in it"),
        ("embed_crops full --model empty --output_dir out", "empty is not a model bundle"),
        (f"embed_crops empty {PRETRAINED}", "empty: no crop in it"),
        (f"embed_crops --tfrecords empty {PRETRAINED}", "empty/dataset_info.json"),
        ("train_head full full --embeddings empty", "empty: no embeddings"),
        ("suggest_labels empty out.csv", "empty: no embeddings"),
    ],
)
def test_a_wrong_path_is_said_without_tensorflow(words, said, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a.jpg").touch()
    line = [sys.executable, "-c", ASK, *words.split()]
    found = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert said in found.stderr
    assert found.returncode == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]
