from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.core.errors import FormatError, UserError
from database_tools.formats import crops_info
from tf_classification.data import directory


def test_rows_go_to_the_split_of_their_location(folder):
    dataset = directory.load(*folder.write())
    assert dataset.label_names == ("a", "b")
    train, val, test = (dataset.splits[name] for name in ("train", "val", "test"))
    assert (len(train), len(val), len(test)) == (8, 2, 2)
    assert train.keys.tolist() == [row.path for row in folder.rows[:8]]
    assert train.labels.tolist() == [0, 1] * 4
    assert dataset.locations[val.locations[0]] == ("ds", "5")
    np.testing.assert_allclose(test.confidences, [0.9, 0.89])
    assert (dataset.ledger.total, dataset.ledger.kept) == (12, 12)


def test_the_reader_gives_the_files_and_nothing_for_one_that_went_away(folder):
    train = directory.load(*folder.write()).splits["train"]
    (folder.crops / folder.rows[1].path).unlink()
    first, second = train.reader(np.array([2, 1]))
    assert first == (folder.crops / folder.rows[2].path).read_bytes()
    assert second == b""


def test_integer_locations_of_the_splits_match_text_in_the_table_but_013_is_not_13(folder):
    folder.rows[0] = folder.rows[0]._replace(location="013")
    folder.splits["train"].append(["ds", 13])
    dataset = directory.load(*folder.write())
    assert dataset.ledger.dropped == {"in no split": (folder.rows[0].path,)}


def test_the_recipe_lies_beside_the_crops(folder):
    assert directory.load(*folder.write()).crop_recipe is None
    recipe = CropRecipe(Geometry.SQUARE, quality=90)
    crops_info.write(folder.crops, crops_info.CropsInfo(recipe))
    assert directory.load(*folder.write()).crop_recipe == recipe


def test_crops_that_are_not_there_are_counted(folder):
    gone = folder.rows[3].path, "ds/nowhere/1.jpg"
    (folder.crops / gone[0]).unlink()
    folder.rows[4] = folder.rows[4]._replace(path=gone[1])
    dataset = directory.load(*folder.write())
    assert dataset.ledger.dropped == {"missing": gone}
    assert dataset.ledger.kept == 10


def test_crops_without_a_location_are_those_of_the_splits_unknown_one(folder):
    for i in (0, 1):
        folder.rows[i] = folder.rows[i]._replace(location="")
    folder.splits["train"].append(["ds", None])
    assert directory.load(*folder.write()).ledger.kept == 12


def test_a_crop_that_is_listed_twice_counts_once(folder):
    folder.rows.append(folder.rows[3]._replace(path=f"./{folder.rows[3].path}"))
    assert len(directory.load(*folder.write()).splits["train"]) == 8


def break_crop(folder):
    folder.rows.append(folder.rows[3]._replace(location="5"))


def break_splits(folder):
    folder.splits["val"].append(["ds", "1"])


def break_label(folder):
    folder.rows[5] = folder.rows[5]._replace(labels=("wolf",))


def break_labels(folder):
    folder.rows[5] = folder.rows[5]._replace(labels=("a", "b"))


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (break_splits, r"splits\.json: train and val: share the location \('ds', '1'\)"),
        (break_crop, r"line 14: 'ds/b/3.jpg' is otherwise in line 5"),
        (break_label, r"line 7: label 'wolf' is not in label_index\.json"),
        (break_labels, r"line 7: ds/b/5\.jpg has several labels, 'a,b'"),
    ],
)
def test_impossible_datasets_are_refused_by_name(folder, fault, message):
    fault(folder)
    with pytest.raises(FormatError, match=message):
        directory.load(*folder.write())


def test_nothing_to_use_is_refused_with_the_reason(folder):
    root, crops = folder.write()
    with pytest.raises(UserError, match=r"no crop to use; 12 of 12 were left out: 12 missing"):
        directory.load(root, root)
    with pytest.raises(UserError, match="no such folder"):
        directory.load(root, crops / "nowhere")
    (root / "splits.json").unlink()
    with pytest.raises(UserError, match=r"splits\.json: no such file"):
        directory.load(root, crops)


def test_a_crop_is_found_in_the_unicode_form_that_the_disk_has(folder):
    first, *rest = folder.rows
    folder.rows = [first._replace(path=unicodedata.normalize("NFC", "ds/é.jpg")), *rest]
    paths = folder.write()
    (folder.crops / first.path).rename(folder.crops / unicodedata.normalize("NFD", "ds/é.jpg"))
    dataset = directory.load(*paths)
    assert dataset.ledger.dropped == {}
    [content] = dataset.splits["train"].reader(np.array([0]))
    assert content


def test_a_name_that_differs_in_case_only_is_hinted_at(folder, caplog):
    first, *rest = folder.rows
    folder.rows = [first._replace(path=first.path.upper()), *rest]
    paths = folder.write()
    assert directory.load(*paths).ledger.dropped == {"missing": (first.path.upper(),)}
    assert f"there is {first.path}, in other letter case" in caplog.text
