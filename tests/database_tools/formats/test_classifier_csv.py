"""The table of a classifier, there and back, as other programs write it, and when it is broken."""

from __future__ import annotations

import gzip
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.core.errors import UserError
from database_tools.formats import classifier_csv

NAMES = ("cat", "canid, felid")


def write(path, paths, table, names=NAMES, labels=None, weights=None):
    flags = {"labels": labels is not None, "weights": weights is not None}
    with classifier_csv.writing(path, names, **flags) as writer:
        writer.write(paths, table, labels, weights)
    return path


def read(path):
    with classifier_csv.reading(path) as table:
        return table.label_names, list(table)


def test_the_table_is_that_of_the_specification(tmp_path):
    table = np.array([[1e-7, 1], [0.1, 0.9]], np.float32)
    path = write(tmp_path / "a.csv", ["ds/a.jpg", 'b ",".jpg'], table)
    assert path.read_bytes() == (
        b'path,cat,"canid, felid"\nds/a.jpg,1e-7,1.0\n"b "","".jpg",0.1,0.9\n'
    )


def test_sums_of_float64_keep_all_their_digits(tmp_path):
    path = write(tmp_path / "a.csv", ["x"], np.array([[0.2 + 0.4, 0.4]]))
    assert path.read_text().splitlines()[1] == "x,0.6000000000000001,0.4"


@given(st.data())
def test_rows_come_back(tmp_path_factory, data):
    text = st.text(st.characters(codec="utf-8"), min_size=1)
    number = data.draw(st.integers(0, 8))
    paths = data.draw(st.lists(text, min_size=number, max_size=number))
    width = st.floats(0, 1, width=data.draw(st.sampled_from([32, 64])))
    rows = st.lists(width, min_size=2, max_size=2)
    table = np.array(data.draw(st.lists(rows, min_size=number, max_size=number)))
    labels = data.draw(st.none() | st.lists(text, min_size=number, max_size=number))
    weights = None if data.draw(st.booleans()) else np.arange(number) / 3
    ending = data.draw(st.sampled_from([".csv", ".csv.gz"]))
    path = tmp_path_factory.getbasetemp() / f"table{ending}"
    names, found = read(
        write(path, paths, table.reshape(number, 2), labels=labels, weights=weights)
    )
    assert names == NAMES
    assert [p for rows in found for p in rows.paths] == paths
    assert [p for rows in found for p in rows.probabilities.tolist()] == table.tolist()
    assert all((rows.labels is None) == (labels is None) for rows in found)
    if labels is not None:
        assert [label for rows in found for label in rows.labels] == labels
    if weights is not None:
        assert [w for rows in found for w in rows.weights] == weights.tolist()


def test_many_blocks_come_back_whole_whatever_their_borders(tmp_path, monkeypatch):
    monkeypatch.setattr(classifier_csv, "_BLOCK", 7)
    paths = ["a\nb,c", 'd"', "e", "f\r\ng"]
    table = np.arange(8).reshape(4, 2) / 8
    _, found = read(write(tmp_path / "a.csv.gz", paths, table))
    assert [p for rows in found for p in rows.paths] == paths
    assert len(found) > 1
    assert np.concatenate([rows.probabilities for rows in found]).tolist() == table.tolist()


def test_members_of_others_are_read_as_one(tmp_path):
    path = tmp_path / "a.csv.gz"
    parts = (b"path,cat\r\nx,0", b".5\r\ny,1.\r\n", b"\r\nz,+.25\r\n")
    path.write_bytes(b"".join(map(gzip.compress, parts)))
    names, (rows,) = read(path)
    assert names == ("cat",)
    assert (rows.paths, rows.probabilities.ravel().tolist()) == (["x", "y", "z"], [0.5, 1, 0.25])


def test_a_byte_order_mark_is_no_part_of_the_path(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\xef\xbb\xbfpath,label\nx,cat")
    names, (rows,) = read(tmp_path / "a.csv")
    assert (names, rows.labels, rows.probabilities.shape) == ((), ["cat"], (1, 0))


def test_equal_rows_are_equal_bytes_whatever_the_name(tmp_path):
    a, b = (write(tmp_path / n, ["x"], np.ones((1, 2))) for n in ("a.csv.gz", "b.csv.gz"))
    assert a.read_bytes() == b.read_bytes()


def test_a_failure_leaves_the_old_file(tmp_path):
    path = write(tmp_path / "a.csv.gz", ["x"], np.ones((1, 2)))
    before = path.read_bytes()
    with pytest.raises(RuntimeError), classifier_csv.writing(path, NAMES):
        raise RuntimeError("killed")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(params=["simdjson", "without it"])
def decoder(request, monkeypatch):
    """Both ways to read numbers: there is no simdjson for some processors."""
    if request.param == "simdjson":
        pytest.importorskip("simdjson")
    else:
        monkeypatch.setattr(classifier_csv, "_Parser", None)


def test_numbers_of_any_spelling_are_the_nearest_doubles(tmp_path, decoder):
    cells = ["1e-7", "-0", "12345678901234567890123", "5e-324", "0.1000000000000000055", "1e23"]
    (tmp_path / "a.csv").write_text(f"path,{','.join('abcdef')}\nx,{','.join(cells)}\n")
    _, (rows,) = read(tmp_path / "a.csv")
    assert rows.probabilities.tolist() == [[float(cell) for cell in cells]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: expected path,LABELS"),
        ("file,cat\n", "line 1: expected path,LABELS"),
        ("path,cat,cat\n", "line 1: a label has two columns"),
        ("path,cat,dog\na,1,0\nb,1\n", "line 3: 2 cells for 3 columns"),
        ("path,cat,dog\na,1,0,0\n", "line 2: 4 cells for 3 columns"),
        ("path,cat,dog\na,1\nb,1,0,0\n", "line 2: 2 cells for 3 columns"),
        ("path,cat\na,1\nb,x\n", "line 3: expected a number, found 'x'"),
        ("path,cat\na,nan\n", "line 2: expected a number, found 'nan'"),
        ("path,cat\na,\n", "line 2: expected a number, found ''"),
        ("path,cat\na,true\n", "line 2: expected a number, found 'true'"),
        ("path,cat\na,1e999\n", "line 2: expected a number, found '1e999'"),
        ("path,cat\na,[1]\n", r"line 2: expected a number, found '\[1\]'"),
        ("path,cat,dog\na,1,[]\n", r"line 2: expected a number, found '\[\]'"),
        ("path,cat,dog\na,{},1\n", "line 2: expected a number, found '{}'"),
        ("path,label,weight,cat\na,cat,?,1\n", r"line 2: expected a number, found '\?'"),
        ('path,cat\n"a\nb",1\nc\n', "line 4: 1 cells for 2 columns"),
        ('path,cat\n"a,1\n', "the last row: a quote is not closed"),
    ],
)
def test_a_wrong_table_is_named(tmp_path, text, message, decoder):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"a\.csv: {message}"):
        read(path)


def test_a_missing_or_torn_file_is_named(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        read(tmp_path / "none.csv.gz")
    with pytest.raises(UserError, match="is a folder, expected a file"):
        read(tmp_path)
    whole = write(tmp_path / "a.csv.gz", ["x"] * 50, np.ones((50, 2))).read_bytes()
    for name, content in (("torn.csv.gz", whole[:40]), ("noise.csv.gz", whole[:30] + b"x" * 90)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=rf"{name}: the file"):
            read(tmp_path / name)


STREAMED = """
import resource, sys
from pathlib import Path
import numpy as np
from database_tools.formats import classifier_csv
path, number = Path(sys.argv[1]), int(sys.argv[2])
table = np.full((1000, 8), 0.125, np.float32)
with classifier_csv.writing(path, [f"label {i}" for i in range(8)]) as writer:
    for start in range(0, number, 1000):
        writer.write([f"ds/{i}.jpg" for i in range(start, start + 1000)], table)
with classifier_csv.reading(path) as rows:
    assert sum(len(part.paths) for part in rows) == number
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_is_that_of_a_thousand_rows_for_a_million(tmp_path):
    peaks = []
    for number in (1000, 1_000_000):
        command = [sys.executable, "-c", STREAMED, str(tmp_path / "a.csv.gz"), str(number)]
        peaks.append(int(subprocess.run(command, check=True, capture_output=True).stdout))
    unit = 1024 if sys.platform != "darwin" else 1024**2
    assert (peaks[1] - peaks[0]) / unit < 24  # MB; the million rows are 50 MB of text
