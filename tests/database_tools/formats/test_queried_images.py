from __future__ import annotations

import json

import pytest

from database_tools.core.errors import FormatError
from database_tools.formats import queried_images
from database_tools.formats.queried_images import DrawnBox, QueriedImage

IMAGES = [
    QueriedImage("caltech", "a/1.jpg", 13, "mountain_lion", ("cat",)),
    QueriedImage(
        "caltech", "é.jpg", "013", "elk", ("a", "b"), (DrawnBox("animal", (0.0, 0.3, 0.2, 0.1)),)
    ),
    QueriedImage("idfg", "x.jpg", None, "empty", ("none",), ()),
]
TABLE = {
    "caltech/a/1.jpg": {
        "dataset": "caltech",
        "location": 13,
        "class": "mountain_lion",
        "label": ["cat"],
    },
    "caltech/é.jpg": {
        "dataset": "caltech",
        "location": "013",
        "class": "elk",
        "bbox": [{"category": "animal", "bbox": [0.0, 0.3, 0.2, 0.1]}],
        "label": ["a", "b"],
    },
    "idfg/x.jpg": {"dataset": "idfg", "class": "empty", "bbox": [], "label": ["none"]},
}


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_written_as_json_dump_writes_it_and_read_back(tmp_path, indent, number):
    path = tmp_path / "q.json"
    queried_images.write(path, IMAGES[:number], indent)
    table = dict(list(TABLE.items())[:number])
    assert path.read_text("utf-8") == json.dumps(table, indent=indent)
    assert list(queried_images.read(path)) == IMAGES[:number]


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("a.jpg", {}, '"a.jpg": the name is not <dataset>/<file>'),
        ("ds/../a.jpg", {}, "the name is not <dataset>/<file>"),
        ("ds/a.jpg", {"dataset": "other"}, "the name begins with 'ds'"),
        ("ds/a.jpg", {"label": []}, '"label" must be a list of texts, got []'),
        ("ds/a.jpg", {"label": "cat"}, '"label" must be a list of texts, got "cat"'),
        ("ds/a.jpg", {"class": ["a", "b"]}, '"class" must be a text'),
        ("ds/a.jpg", {"location": True}, '"location" must be a number or a text, got true'),
        ("ds/a.jpg", {"bbox": [{"category": "animal", "bbox": [1, 2, 30, 40]}]}, "in [0, 1]"),
        ("ds/a.jpg", {"bbox": [{"bbox": [0, 0, 1, 1]}]}, 'a box needs "category"'),
        ("ds/a.jpg", {"bbox": 3}, '"bbox" must be a list of boxes, got 3'),
    ],
)
def test_an_entry_that_breaks_a_rule_is_named(tmp_path, name, change, message):
    path = tmp_path / "q.json"
    path.write_text(json.dumps({name: {"dataset": "ds", "class": "x", "label": ["y"], **change}}))
    with pytest.raises(FormatError, match=r"q\.json") as error:
        list(queried_images.read(path))
    assert message in str(error.value)


def test_a_missing_key_is_named_with_those_that_are_there(tmp_path):
    path = tmp_path / "q.json"
    path.write_text('{"ds/a.jpg": {"dataset": "ds", "class": "x"}}')
    with pytest.raises(FormatError, match="no key 'label'; its keys are dataset, class"):
        list(queried_images.read(path))
