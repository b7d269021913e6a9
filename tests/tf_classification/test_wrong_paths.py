"""What a command's paths name is looked at before TensorFlow is loaded, which takes seconds."""

from __future__ import annotations

import json
import subprocess
import sys

ASK = """
import contextlib, io, json, sys
from importlib import import_module
for line in sys.argv[1:]:
    command, *words = line.split()
    with contextlib.redirect_stderr(io.StringIO()) as said:
        status = import_module(f"tf_classification.{command}").main(words)
    print(json.dumps([status, said.getvalue(), "tensorflow" in sys.modules]))
"""
PRETRAINED = "--model-name efficientnet-lite0 --pretrained --output_dir out"
SAID = {
    "run_classifier empty full out.csv": "empty is not a model bundle",
    "run_classifier empty empty out.csv": "empty: no crop in it",
    "embed_crops full --model empty --output_dir out": "empty is not a model bundle",
    f"embed_crops empty {PRETRAINED}": "empty: no crop in it",
    f"embed_crops --tfrecords empty {PRETRAINED}": "empty/dataset_info.json",
    "train_head full full --embeddings empty": "empty: no embeddings",
    "suggest_labels empty out.csv": "empty: no embeddings",
    "train_classifier none full": "DATASET_DIR none: no such file or folder",
    # the wrong one of the builder's folders
    "train_classifier records": "give it as --tfrecords records",
    "train_classifier --tfrecords coco": "give it as DATASET_DIR",
}


def test_a_wrong_path_is_said_without_tensorflow(tmp_path):
    files = ("empty/", "full/a.jpg", "records/train-00000", "records/test-00000")
    for name in (*files, "coco/train.json", "coco/test.json"):
        folder, _, file = name.partition("/")
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / file).touch()
    line = [sys.executable, "-c", ASK, *SAID]
    found = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    for words, answer in zip(SAID, found.stdout.splitlines(), strict=True):
        status, said, loaded = json.loads(answer)
        assert (status, loaded) == (2, False), words
        assert SAID[words] in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coco", "empty", "full", "records"]
