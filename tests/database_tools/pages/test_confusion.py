"""One chart, twice: as SVG for a page and as pixels for a log."""

from __future__ import annotations

import re

import numpy as np
import pytest

from database_tools.pages import confusion, svg


def colour(text):
    return np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)])


def test_cells_are_shares_of_the_true_label():
    table = np.array([[3, 1, 0], [0, 0, 0], [0, 0, 2]])
    cells = list(confusion.cells(table, ["deer", "fox", "hare"]))
    assert [cell.share for cell in cells] == [0.75, 0.25, 0, 0, 0, 0, 0, 0, 1]
    assert [cell.number for cell in cells] == ["75", "25", "", "", "", "", "", "", "100"]
    assert cells[1].said == "1 of 4 deer taken for fox"
    assert cells[0].colour == svg.heat(0.75, svg.GREEN)
    assert cells[1].colour == svg.heat(0.25, svg.ORANGE)


def test_the_pixels_have_the_colours_of_the_cells():
    table = np.zeros((26, 26))  # cells of 18 pixels, too small for numbers
    table[0, :2] = 3, 1
    picture = confusion.pixels_of(table, [f"label {i}" for i in range(26)])
    assert picture.shape == (20 + 26 * 18, 110 + 26 * 18, 3)
    for column, share, ink in ((0, 0.75, svg.GREEN), (1, 0.25, svg.ORANGE), (2, 0, svg.ORANGE)):
        pixel = picture[25, 110 + column * 18 + 5]
        assert pixel.tolist() == colour(svg.heat(share, ink)).tolist()


def test_few_labels_are_named():
    named = confusion.pixels_of(np.eye(2), ["deer", "fox"])
    other = confusion.pixels_of(np.eye(2), ["deer", "hare"])
    assert (named[: 20 + 40] == other[: 20 + 40]).all()
    assert (named[20 + 40 :] != other[20 + 40 :]).any()


def test_of_many_labels_the_most_confused_are_shown():
    table = np.diag(np.arange(100))
    table[3, 7] = 1  # 3 and 7 are rare, but they are what one has to look at
    shown = confusion.shown(table).tolist()
    assert shown == [3, 7, *range(62, 100)]


def test_of_equals_those_with_most_crops_are_shown_both_ways():
    table, names = np.diag(np.arange(100)), [f"label {i}" for i in range(100)]
    assert confusion.shown(table).tolist() == list(range(60, 100))
    drawing = confusion.svg_of(table, names)
    assert drawing.count("<rect") == 1 + confusion.MOST_LABELS  # the field, and what is not 0
    assert "label 99" in drawing
    assert "label 59" not in drawing
    assert confusion.pixels_of(table, names).shape[0] == 20 + 40 * 18


def test_cells_and_labels_can_be_links():
    drawing = confusion.svg_of(
        np.array([[3, 1], [0, 2]]), ["deer", "fox"], lambda *which: {"href": f"#{which}"}
    )
    hrefs = re.findall(r'<a href="#([^"]+)"><(\w+)', drawing)
    labels, cells = ["(0,)", "(1,)"], ["(0, 0)", "(0, 1)", "(1, 1)"]
    assert hrefs == [*((x, "text") for x in labels), *((x, "rect") for x in cells)]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a" * 200, "a" * 30 + "…"),  # 31 letters of 6.6 pixels are below 211
        ("野猪" * 40, "野猪" * 8 + "野…"),  # 17 of 12 pixels
        ("x", "x"),
    ],
)
def test_a_long_name_is_cut_where_its_place_ends(name, shown):
    drawing = confusion.svg_of(np.eye(2), [name, "fox"])
    assert f">{shown}</text>" in drawing
