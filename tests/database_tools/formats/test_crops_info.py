"""The recipe that lies beside crops, and what it is not."""

import json

import pytest

from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.core.errors import FormatError
from database_tools.formats import crops_info
from database_tools.formats.crops_info import CropsInfo


@pytest.mark.parametrize(
    "info",
    [
        CropsInfo(CropRecipe(), "md_v4.1.0.pb", "4.1", 0.2),
        CropsInfo(CropRecipe(Geometry.BOX, quality=90)),  # boxes drawn by hand
    ],
)
def test_what_is_written_is_read(tmp_path, info):
    crops_info.write(tmp_path, info)
    assert crops_info.read(tmp_path) == info


def test_a_folder_without_it_is_of_an_older_tool(tmp_path):
    assert crops_info.read(tmp_path) is None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([], r"crops_info\.json: top level: expected an object, got \[\]"),
        ({}, "recipe: a crop recipe is an object, got None"),
        ({"recipe": {"geometry": "square"}}, "recipe: a crop recipe has geometry, padding"),
        ({"threshold": 90}, r"threshold: must be null or in \[0, 1\], got 90"),
        ({"threshold": True}, "threshold: must be null or"),
        ({"threshold": float("nan")}, "threshold: must be null or"),
        ({"version": 4.1}, "version: must be null or text, got 4.1"),
    ],
)
def test_what_is_no_info_is_named(tmp_path, table, message):
    good = {"recipe": CropRecipe().as_json()}
    if isinstance(table, dict) and table and "recipe" not in table:
        table = good | table
    (tmp_path / crops_info.NAME).write_text(json.dumps(table), encoding="utf-8")
    with pytest.raises(FormatError, match=message):
        crops_info.read(tmp_path)
