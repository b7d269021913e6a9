"""The label index, candidates, and whole-or-nothing files."""

from __future__ import annotations

import json

import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from database_tools.formats import candidates_csv, classlist, label_index
from database_tools.formats.candidates_csv import Candidate


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "a.txt"
    files.write_text(path, "old")

    def write_then_fail():
        with files.replacing(path) as temporary:
            temporary.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_then_fail()
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"{", "line 1 column 2: not JSON"),
        (b"\xff\xfe", "byte 0: not UTF-8"),
    ],
)
def test_a_broken_json_is_named(tmp_path, content, message):
    path = tmp_path / "a.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        files.read_json(path)


def test_a_byte_order_mark_is_tolerated(tmp_path):
    (tmp_path / "a.json").write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert files.read_json(tmp_path / "a.json") == {"a": 1}


def test_label_index_both_ways(tmp_path):
    path = tmp_path / "label_index.json"
    label_index.write(path, ["zebra", "cat"])
    assert json.loads(path.read_text()) == {"0": "zebra", "1": "cat"}
    assert label_index.read(path) == ("zebra", "cat")


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"1": "cat"}, '"0": no name'),
        ({"0": "cat", "1": "cat"}, "'cat' is there twice"),
        ([], "expected an object"),
    ],
)
def test_a_wrong_label_index_is_refused(tmp_path, table, message):
    files.write_json(tmp_path / "i.json", table)
    with pytest.raises(FormatError, match=message):
        label_index.read(tmp_path / "i.json")


def test_halves_of_surrogate_pairs_survive_a_json(tmp_path):
    table = {"caf\udce9.jpg": ["\ud83e", "ß \U0001f98a"]}
    files.write_json(tmp_path / "a.json", table)
    assert files.read_json(tmp_path / "a.json") == table
    assert "ß \U0001f98a" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_class_lists_both_ways(tmp_path):
    path = tmp_path / "classlist.txt"
    classlist.write(path, ["empty", "roe deer", "a\u2028b"])
    assert path.read_bytes() == "empty\nroe deer\na\u2028b".encode()
    assert classlist.read(path) == ["empty", "roe deer", "a\u2028b"]


def test_a_class_list_of_another_editor(tmp_path):
    path = tmp_path / "classlist.txt"
    path.write_bytes(b"\xef\xbb\xbfempty\r\nroe deer\r\n\r\n")
    assert classlist.read(path) == ["empty", "roe deer"]


def test_a_name_that_would_be_two_lines_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"'red\\nfox' does not fit into a line"):
        classlist.write(tmp_path / "classlist.txt", ["empty", "red\nfox"])
    assert not list(tmp_path.iterdir())


CANDIDATE = Candidate(
    *("idfg/a_1.jpg___crop00.jpg", "idfg/a_1.jpg", "idfg", "013", "elk", "deer, red"),
    *(0.91, 0.88, 0.97, "its burst looks like deer"),
    ("idfg/a_2.jpg___crop00.jpg", "idfg/a_3.jpg___crop01.jpg"),
)


def test_candidates_both_ways(tmp_path):
    alone = CANDIDATE._replace(path="b", dataset="", location="", margin=-0.25, burst=())
    candidates_csv.write(tmp_path / "a.csv", [CANDIDATE, alone])
    assert list(candidates_csv.read(tmp_path / "a.csv")) == [CANDIDATE, alone]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margin": -1.01}, r"line 3: margin must be in \[-1, 1\], got '-1.0100'"),
        ({"score": 2}, "line 3: score must be in"),
        ({"probability": float("nan")}, "line 3: probability must be in"),
        ({"image": ""}, "line 3: no image"),
        ({"label": ""}, "line 3: no label"),
    ],
)
def test_a_wrong_candidate_is_refused(tmp_path, change, message):
    candidates_csv.write(tmp_path / "a.csv", [CANDIDATE, CANDIDATE._replace(**change)])
    with pytest.raises(FormatError, match=message):
        list(candidates_csv.read(tmp_path / "a.csv"))
