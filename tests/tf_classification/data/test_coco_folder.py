"""The output of the builder, read as it is."""

from __future__ import annotations

import json
import os

from database_tools.core import reasons
from tf_classification.data import coco_folder


def test_a_file_whose_name_is_no_text_is_counted_not_an_error(tmp_path):
    latin = os.fsdecode(b"fox/caf\xe9.jpg")
    for split, files in (("train", ["fox/a.jpg", latin]), ("test", ["fox/b.jpg"])):
        table = {
            "images": [{"id": i, "file_name": name} for i, name in enumerate(files)],
            "categories": [{"id": 0, "name": "fox"}],
            "annotations": [{"id": i, "image_id": i, "category_id": 0} for i in range(len(files))],
        }
        (tmp_path / f"{split}.json").write_text(json.dumps(table), encoding="utf-8")
        for name in files:
            (tmp_path / "fox").mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(b"a picture")
    dataset = coco_folder.load(tmp_path, None, val_fraction=0)
    assert dataset.splits["train"].keys.tolist() == ["fox/a.jpg"]
    assert dataset.ledger.dropped == {reasons.NO_TEXT: (latin,)}
