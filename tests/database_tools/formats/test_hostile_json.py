"""JSON that no decoder takes, or that nests deep, in every file of ours that is JSON."""

import pytest

from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.formats import (
    coco_camera_traps,
    crops_coco,
    dataset_info,
    label_index,
    ledger_json,
    megadetector_json,
    splits_json,
)

READERS = {
    "cct.json": lambda path: coco_camera_traps.read(path),
    "rows.json": lambda path: list(coco_camera_traps.rows(path)),
    "train.json": crops_coco.read,
    "md.json": megadetector_json.read_header,
    "images.json": lambda path: list(megadetector_json.images(path)),
    "splits.json": splits_json.read,
    "locations.json": splits_json.read_locations,
    "label_index.json": label_index.read,
    "ledger.json": ledger_json.read,
    "dataset_info.json": lambda path: dataset_info.read(path.parent),
    "any.json": files.read_json,
}

DEEP, LONG = "[" * 100_000, "9" * 5_000


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        '{"a":' * 100_000,
        LONG,
        f'{{"images": [{{"id": {DEEP}',
        f'{{"images": [{{"id": {LONG}, "file_name": "a.jpg", "file": "a.jpg"}}]}}',
        f'{{"info": {LONG}, "images": [], "annotations": [], "categories": []}}',
        f'{{"train": [{DEEP}], "val": [], "test": []}}',
        f'{{"0": -{LONG}}}',
        "\ufeff" + LONG,
    ],
    ids=["lists", "objects", "number", "id", "long id", "header", "split", "label", "mark"],
)
def test_json_beyond_every_decoder_is_one_line_that_names_the_file(tmp_path, name, text):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError) as caught:
        READERS[name](tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
