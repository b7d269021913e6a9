"""Streaming a large object: the same values as reading it whole, at any window size."""

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database_tools.core.errors import FormatError, UserError
from database_tools.formats import json_stream

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


def members(path):
    """Yield (key, position, element) for each element of a list, else (key, None, value)."""
    for key, start, values in json_stream.stretches(path):
        if start is None:
            yield key, None, values
        else:
            yield from ((key, i, value) for i, value in enumerate(values, start))


def gathered(path):
    table = {}
    for key, position, value in members(path):
        if position is None:
            table[key] = value
        else:
            assert position == len(table[key])
            table[key].append(value)
    return table


def write(folder, text, encoding="utf-8"):
    path = folder / "a.json"
    path.write_text(text, encoding=encoding)
    return path


@settings(max_examples=60)
@given(table=st.dictionaries(st.text(max_size=5), VALUES), chunk=st.integers(1, 40))
def test_a_file_is_read_the_same_through_any_window(table, chunk, tmp_path_factory):
    path = write(tmp_path_factory.mktemp("json"), json.dumps(table, indent=chunk % 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "_CHUNK", chunk)
        assert gathered(path) == table


def images(number, **more):
    return {"images": [{"id": i, "file_name": f"{i}.jpg", **more} for i in range(number)]}


@pytest.mark.parametrize(
    ("table", "indent"),
    [
        (images(500), None),
        (images(500), 1),
        (images(500, boxes=[{"id": 1}, {"id": 2}]), None),  # the cut may be in a deeper list
        (images(500, comment='}, {"id": 7'), None),  # or in a text
        (images(500, comment='\\"}, {"id":'), None),
        ({"images": [{"id": i} if i % 7 else [i] for i in range(500)]}, None),
        ({"images": [{}] * 500, "numbers": list(range(500))}, None),
        ({"one": [{"a": 1}], "none": [], **images(2)}, None),
    ],
)
def test_many_elements_at_once_are_those_one_by_one(tmp_path, monkeypatch, table, indent):
    path = write(tmp_path, json.dumps(table, indent=indent))
    for chunk in (200, 1 << 16):
        monkeypatch.setattr(json_stream, "_CHUNK", chunk)
        assert gathered(path) == table


def test_most_elements_are_decoded_many_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", 2000)
    path = write(tmp_path, json.dumps(images(1000), indent=1))
    lengths = [len(value) for key, start, value in json_stream.stretches(path) if start is not None]
    assert sum(lengths) == 1000
    assert len(lengths) < 100


@pytest.mark.parametrize("indent", [None, 1])
def test_members_that_are_objects_are_those_one_by_one(tmp_path, monkeypatch, indent):
    pairs = [(f"{i}", {"a": [{}, {"b": '}, "c'}], "x": i}) for i in range(50)]
    pairs += [("7", {"twice": 1}), ("d", {"deep": {}, "e": 1}), ("l", [1, 2]), ("n", 5)]
    pairs += [("n", 6), *((f"{i}", {"y": [{}]}) for i in range(50))]
    body = ", ".join(f"{json.dumps(k)}: {json.dumps(v, indent=indent)}" for k, v in pairs)
    path = write(tmp_path, f"{{{body}}}")
    for chunk in (30, 300, 1 << 16):
        monkeypatch.setattr(json_stream, "_CHUNK", chunk)
        got = [(key, value) for key, position, value in members(path)]
        at = next(i for i, (key, _) in enumerate(pairs) if key == "l")
        assert got == [*pairs[:at], ("l", []), ("l", 1), ("l", 2), *pairs[at + 1 :]]


def test_a_name_that_is_there_twice_is_told_twice(tmp_path):
    path = write(tmp_path, '{"a": {}, "b": {"x": 1}, "c": {}, "b": {"x": 2}, "d": {}, "e": {}}')
    got = [(key, value.get("x")) for key, _, value in members(path)]
    assert got == [("a", None), ("b", 1), ("c", None), ("b", 2), ("d", None), ("e", None)]


def test_most_objects_are_decoded_many_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", 2000)
    path = write(tmp_path, json.dumps({f"{i}": {"id": i} for i in range(1000)}))
    one_by_one = []
    decode = json_stream.json_text.decode
    monkeypatch.setattr(
        json_stream.json_text, "decode", lambda *a: one_by_one.append(1) or decode(*a)
    )
    assert [value["id"] for _, _, value in members(path)] == list(range(1000))
    assert len(one_by_one) < 100


def test_a_mistake_is_told_before_the_rest_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", 64)
    text = json.dumps(images(300))
    read = []
    with pytest.raises(FormatError, match=r"images\[100\]: not JSON: Expecting value"):
        read.extend(members(write(tmp_path, text.replace('"id": 100', '"id": ?'))))
    with pytest.raises(FormatError, match=r"images\[9\]: expected \",\" or \"\]\" after it"):
        read.extend(members(write(tmp_path, text.replace('"9.jpg"},', '"9.jpg"} '))))


def test_a_number_at_the_windows_end_is_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(json_stream, "_CHUNK", 8)
    assert gathered(write(tmp_path, '{"a": [12345678, 1.25e10]}')) == {"a": [12345678, 1.25e10]}


def test_bare_nan_and_a_byte_order_mark_are_tolerated(tmp_path):
    table = gathered(write(tmp_path, '{"a": [NaN, -Infinity]}', "utf-8-sig"))
    assert math.isnan(table["a"][0])
    assert table["a"][1] == -math.inf


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "top level: expected an object, got ''"),
        ("[1]", "top level: expected an object"),
        ('{"a" 1}', '"a": expected ":"'),
        ('{"a": [{"b": 1}, {"b": ]}', r"a\[1\]: not JSON: Expecting value"),
        ('{"a": [1, 2', r'a\[1\]: expected "," or "]" after it, got \'\''),
        ('{"a": [1 2]}', r'a\[0\]: expected ","'),
        ('{"a": [1]} x', "more text after the end"),
        ('{"a": {"b": "cut', '"a": not JSON: Unterminated string'),
        ("{1: 2}", "expected a key, got 1"),
        ('{"a": [' + "[" * 100_000, r"a\[0\]: JSON that is nested too deeply"),
        ('{"a": [' + "9" * 5000 + "]}", r"a\[0\]: a whole number of more than 4,300 digits"),
    ],
)
def test_broken_files_are_told_with_their_place(tmp_path, text, message):
    with pytest.raises(FormatError, match=message):
        gathered(write(tmp_path, text))


def test_text_that_is_not_utf8_is_told(tmp_path):
    with pytest.raises(FormatError, match="not UTF-8"):
        gathered(write(tmp_path, '{"a": "é"}', "latin-1"))


def test_a_missing_file_is_the_users_mistake(tmp_path):
    with pytest.raises(UserError, match=r"no\.json: no such file"):
        gathered(tmp_path / "no.json")
