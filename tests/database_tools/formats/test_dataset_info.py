"""What a dataset says of itself, its recipe among it."""

import json

import pytest

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError
from database_tools.formats import dataset_info
from database_tools.formats.dataset_info import DatasetInfo

COUNTS = {"train": (0, 5), "test": (0, 2)}


@pytest.mark.parametrize("recipe", [None, CropRecipe.of_2019(1.69)])
def test_dataset_info_both_ways(tmp_path, recipe):
    info = DatasetInfo(("empty", "fox"), COUNTS, {"a": 1}, recipe)
    dataset_info.write(tmp_path, info)
    assert dataset_info.read(tmp_path) == info
    assert info.size("train") == 5


def change(folder, **members):
    path = folder / dataset_info.NAME
    path.write_text(json.dumps(json.loads(path.read_text()) | members), encoding="utf-8")


@pytest.mark.parametrize(
    ("parameters", "recipe"),
    [
        ({"padding_factor": 1.3}, CropRecipe.of_2019(1.3)),
        ({"padding_factor": 2}, CropRecipe.of_2019(2.0)),
        ({}, None),  # made by other tools
    ],
)
def test_an_older_file_tells_its_recipe_by_the_padding_factor(tmp_path, parameters, recipe):
    dataset_info.write(tmp_path, DatasetInfo(("empty", "fox"), COUNTS))
    change(tmp_path, parameters=parameters)
    assert dataset_info.read(tmp_path).recipe == recipe


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"counts": {"train": {}}}, "not a dataset_info"),
        ({"parameters": None}, "not a dataset_info"),
        ({"parameters": {"padding_factor": "wide"}}, "could not convert"),
        ({"parameters": {"padding_factor": 0.5}}, "padding must be a finite number"),
        ({"crop_recipe": {}}, "a crop recipe has geometry"),
        ({"crop_recipe": None}, "a crop recipe is an object"),
    ],
)
def test_what_is_no_dataset_info_is_named(tmp_path, members, message):
    dataset_info.write(tmp_path, DatasetInfo(("empty", "fox"), COUNTS))
    change(tmp_path, **members)
    with pytest.raises(FormatError, match=message):
        dataset_info.read(tmp_path)
