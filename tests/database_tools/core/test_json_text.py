"""Everything that JSON text may be is a value or one kind of error."""

import math

import pytest

from database_tools.core import json_text
from database_tools.core.json_text import JsonError


def test_nan_and_infinity_are_read_as_other_tools_write_them():
    nan, least = json_text.loads("[NaN, -Infinity]")
    assert math.isnan(nan)
    assert least == -math.inf


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":\n x}', "line 2 column 2: not JSON: Expecting value"),
        ("[" * 100_000, "JSON that is nested too deeply"),
        ('{"a":' * 100_000 + "1" + "}" * 100_000, "JSON that is nested too deeply"),
        ("9" * 5000, "a whole number of more than 4,300 digits"),
        ('[{"a": -' + "9" * 5000 + "}]", "a whole number of more than 4,300 digits"),
        ("[1] [2]", "line 1 column 5: not JSON: Extra data"),
        ("", "line 1 column 1: not JSON: Expecting value"),
    ],
)
def test_what_cannot_be_read_is_one_kind_of_error(text, said):
    with pytest.raises(JsonError) as caught:
        json_text.loads(text)
    assert str(caught.value) == said


def test_a_value_in_the_middle_of_a_text():
    assert json_text.decode('x [1, "]"] y', 2) == ([1, "]"], 10)
    with pytest.raises(JsonError) as caught:
        json_text.decode("x [1, ", 2)
    assert caught.value.position == 6


@pytest.mark.parametrize(
    "text",
    ["[NaN, 1e999]", '["\\ud800"]', '[{"a": 1, "a": 2}]', "[-0, 1.0, 1e-400, 9007199254740993]"],
)
def test_the_quick_way_gives_the_same_values(text):
    assert repr(json_text.loads_quickly(text)) == repr(json_text.loads(text))


def test_the_quick_way_refuses_the_same():
    for text in ("[1,]", '["a', "[" * 5000):
        with pytest.raises(JsonError):
            json_text.loads_quickly(text)
