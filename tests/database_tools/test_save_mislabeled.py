"""save_mislabeled: from Timelapse's CSV to the tables that json_validator reads."""

from __future__ import annotations

import pytest

from database_tools import save_mislabeled

HEADER = "File,RelativePath,mislabeled,correct_class\n"


@pytest.fixture
def folder(tmp_path):
    return tmp_path


def write(folder, rows, header=HEADER):
    path = folder / "timelapse.csv"
    path.write_text(header + rows, encoding="utf-8")
    return path


def run(folder, rows, header=HEADER):
    return save_mislabeled.main([str(folder), str(write(folder, rows, header))])


def text(folder, dataset):
    return (folder / "megadb_mislabeled" / f"{dataset}.csv").read_text("utf-8")


def put(folder, dataset, rows):
    (folder / "megadb_mislabeled").mkdir(exist_ok=True)
    path = folder / "megadb_mislabeled" / f"{dataset}.csv"
    path.write_text("file,correct_class\n" + rows, encoding="utf-8")


def test_the_worked_example(folder):
    put(folder, "ds1", "a/old.jpg,deer\na/x.jpg,\n")
    rows = "new.jpg,ds1\\a,true,elk\nold.jpg,ds1\\a,True,deer\nx.jpg,ds1\\a,TRUE,\n"
    assert run(folder, rows + "z.jpg,ds2\\deep\\er,true,\nno.jpg,ds3,false,\n") == 0
    assert text(folder, "ds1") == "file,correct_class\na/new.jpg,elk\na/old.jpg,deer\na/x.jpg,\n"
    assert text(folder, "ds2") == "file,correct_class\ndeep/er/z.jpg,\n"
    assert not (folder / "megadb_mislabeled" / "ds3.csv").exists()


def test_pictures_right_below_the_dataset_need_no_folder_and_nothing_to_begin_with(folder):
    assert run(folder, "a.jpg,ds1,true,elk\nb.jpg,ds1,true,\n") == 0
    assert text(folder, "ds1") == "file,correct_class\na.jpg,elk\nb.jpg,\n"


def test_contradictions_are_all_named_and_nothing_is_written(folder, capsys):
    put(folder, "ds1", "a.jpg,deer\n")
    rows = "a.jpg,ds1,true,elk\nb.jpg,ds2,true,cat\nb.jpg,ds2,true,dog\nc.jpg,ds2,true,dog\n"
    assert run(folder, rows) == 2
    error = capsys.readouterr().err
    assert "ds1/a.jpg was 'deer' and is 'elk'; ds2/b.jpg was 'cat' and is 'dog'" in error
    assert text(folder, "ds1") == "file,correct_class\na.jpg,deer\n"
    assert not (folder / "megadb_mislabeled" / "ds2.csv").exists()


def test_who_does_not_know_the_class_contradicts_nobody(folder):
    put(folder, "ds1", "a.jpg,deer\nb.jpg,\n")
    assert run(folder, "a.jpg,ds1,true,\nb.jpg,ds1,true,elk\n") == 0
    assert text(folder, "ds1") == "file,correct_class\na.jpg,deer\nb.jpg,elk\n"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a.jpg,ds1,false,elk\n", "line 2: has the correct_class 'elk', but mislabeled is not"),
        ("a.jpg,ds1,perhaps,\n", "line 2: mislabeled must be true or false, got 'perhaps'"),
        ("b.jpg,ds1,true,\na.jpg,,true,\n", "line 3: RelativePath must begin with the dataset"),
        ("a.jpg,..\\ds1,true,\n", "line 2: RelativePath must begin with the dataset"),
    ],
)
def test_a_row_that_breaks_a_rule_is_one_line(folder, capsys, rows, message):
    assert run(folder, rows) == 2
    assert message in capsys.readouterr().err


def test_another_table_or_folder_is_one_line(folder, capsys):
    assert run(folder, "", "File,RelativePath\n") == 2
    assert "no column 'mislabeled'" in capsys.readouterr().err
    words = [str(folder / "none"), str(write(folder, ""))]
    assert save_mislabeled.main(words) == 2
    assert "none: no such folder" in capsys.readouterr().err
