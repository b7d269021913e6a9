"""A recipe is one value: it makes windows, is stored, read back and compared."""

import json

import pytest

from database_tools.core.crop_recipe import CropRecipe, FileKind, Geometry

DEMO = CropRecipe(Geometry.SQUARE, quality=90)
OLD = CropRecipe.of_2019(1.69)


@pytest.mark.parametrize(
    ("recipe", "edges"),
    [
        (CropRecipe.of_2019(1.0), (155, 20, 200, 80)),  # 60 around 185, cut off
        (CropRecipe(Geometry.SQUARE), (140, 20, 200, 80)),
        (CropRecipe(Geometry.LEGACY_SQUARE), (155, 20, 215, 80)),
        (CropRecipe(Geometry.BOX), (170, 20, 200, 80)),
    ],
)
def test_each_geometry_cuts_its_own_window(recipe, edges):
    windows = recipe.windows([(0.85, 0.2, 0.15, 0.6)], 200, 100)
    assert windows.edges.tolist() == [list(edges)]


@pytest.mark.parametrize("recipe", [DEMO, OLD, CropRecipe(Geometry.BOX), CropRecipe.of_2019(2)])
def test_a_recipe_is_read_back_from_json(recipe):
    assert CropRecipe.from_json(json.loads(json.dumps(recipe.as_json()))) == recipe


def test_what_json_holds():
    assert OLD.as_json() == {
        "geometry": "padded window",
        "padding": 1.69,
        "file": "as picture",
        "quality": 75,
    }


def test_a_difference_is_said_in_words():
    assert DEMO.difference(DEMO) == ""
    assert CropRecipe.of_2019(2).difference(OLD) == "padding 2.0, not 1.69"
    assert DEMO.difference(OLD) == (
        "geometry square, not padded window, padding 1.0, not 1.69, file jpeg, not as picture, "
        "quality 90, not 75"
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"geometry": "round"}, "geometry must be one of padded window, square, .*, got 'round'"),
        ({"geometry": ["square"]}, "geometry must be one of"),
        ({"file": "png"}, "file must be one of jpeg, as picture, got 'png'"),
        ({"padding": 2}, "geometry square has no padding, got 2"),
        ({"padding": "1"}, "padding must be a number, got '1'"),
        ({"padding": float("inf")}, "padding must be a finite number of at least 1, got inf"),
        ({"quality": 0}, "quality must be in 1 to 100, got 0"),
        ({"quality": True}, "quality must be a number, got True"),
        ({"quality": 75.5}, "quality must be a whole number, got 75.5"),
        ({"margin": 3}, "a crop recipe has geometry, padding, file, quality; got .*margin"),
    ],
)
def test_a_table_that_is_no_recipe_is_refused_in_words(changed, message):
    with pytest.raises(ValueError, match=message):
        CropRecipe.from_json(DEMO.as_json() | changed)


@pytest.mark.parametrize("table", [None, 3, [], "square", {}])
def test_what_is_no_table_of_a_recipe_is_refused(table):
    with pytest.raises(ValueError, match="a crop recipe"):
        CropRecipe.from_json(table)


@pytest.mark.parametrize("padding", [0.99, -1, float("nan"), float("inf")])
def test_a_factor_that_cuts_the_animal_or_is_none_is_refused(padding):
    with pytest.raises(ValueError, match="padding must be a finite number"):
        CropRecipe.of_2019(padding)


def test_files_keep_their_pictures_kind_in_the_dataset_of_2019_only():
    assert OLD.file is FileKind.AS_PICTURE
    assert CropRecipe().file is FileKind.JPEG
