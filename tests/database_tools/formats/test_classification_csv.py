from __future__ import annotations

import pytest

from database_tools.core.errors import FormatError, UserError
from database_tools.formats import classification_csv
from database_tools.formats.classification_csv import Crop

ELK = Crop("ds/elk/1.jpg___crop00_mdv4.1.jpg", "ds", "013", "elk", 0.953, ("cervid",))


def test_rows_survive_writing_and_reading(tmp_path):
    crops = [
        ELK,
        Crop('ds/a "b", c.jpg', "ds", "1,2", "ünknown", 1.0, ("canid", "felid")),
        Crop("ds/..a.jpg", "ds", "x", "", 0.0, ("x",)),
    ]
    classification_csv.write(tmp_path / "c.csv", crops)
    assert list(classification_csv.read(tmp_path / "c.csv")) == crops


def test_the_files_text_is_that_of_the_original(tmp_path):
    two = ELK._replace(labels=("a", "b"))
    classification_csv.write(tmp_path / "c.csv", [ELK, two])
    assert (tmp_path / "c.csv").read_text() == (
        "path,dataset,location,dataset_class,confidence,label\n"
        "ds/elk/1.jpg___crop00_mdv4.1.jpg,ds,013,elk,0.953,cervid\n"
        'ds/elk/1.jpg___crop00_mdv4.1.jpg,ds,013,elk,0.953,"a,b"\n'
    )


def test_columns_may_come_in_another_order_with_more_between(tmp_path):
    text = "label,extra,confidence,path,location,dataset\nfox,?,1,a.jpg,13,ds\n"
    (tmp_path / "c.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert list(classification_csv.read(tmp_path / "c.csv")) == [
        Crop("a.jpg", "ds", "13", "", 1.0, ("fox",))
    ]


@pytest.mark.parametrize("blank", ["", " ", "\t", '"\n"'])
def test_a_blank_location_is_the_unknown_one(tmp_path, blank):
    (tmp_path / "c.csv").write_text(HEAD + f"a.jpg,d,{blank},1,x\n")
    assert [crop.location for crop in classification_csv.read(tmp_path / "c.csv")] == [
        "unknown_location"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "path,dataset,location,confidence,label\nd/a.jpg,d,1,1,x\nd/b.jpg,d,1,1,y\n\n",
        "path,dataset,location,confidence,label\r\nd/a.jpg,d,1,1,x\r\n\r\nd/b.jpg,d,1,1,y\r\n",
        "path,dataset,location,confidence,label,,\nd/a.jpg,d,1,1,x,,\nd/b.jpg,d,1,1,y,,\n,,,,,,\n",
        "path,dataset,location,confidence,label\nd/a.jpg,d,1,1,x,\nd/b.jpg,d,1,1,y,,\n,\n",
        "path,dataset,location,confidence,label\nd\\a.jpg,d,1,1,x\n.\\d\\b.jpg,d,1,1,y\n",
        "path,dataset,location,confidence,label\n./d//a.jpg,d,1,1,x\nd/./b.jpg,d,1,1,y",
        "path,dataset,location,confidence,label\n" + "d/a.jpg,d,1,1,x\nd/b.jpg,d,1,1.0,y\n" * 2,
        "path,dataset,location,confidence,label\nd/a.jpg,d,1,1,x\nd/b.jpg,d,1,1,y\n.//d\\a.jpg,d,1,1,x",
    ],
)  # fmt: skip
def test_tables_that_people_and_other_systems_saved(tmp_path, text):
    (tmp_path / "c.csv").write_text(text, newline="")
    assert list(classification_csv.read(tmp_path / "c.csv")) == [
        Crop("d/a.jpg", "d", "1", "", 1.0, ("x",)),
        Crop("d/b.jpg", "d", "1", "", 1.0, ("y",)),
    ]


@pytest.mark.parametrize("path", ["d/é.jpg", "./d/é.jpg", "d//é.jpg", "d\\é.jpg", "d/e\u0301.jpg"])
@pytest.mark.parametrize("rest", ["d,1,1,y", "d,2,1,x", "e,1,1,x", "d,1,0.5,x", 'd,1,1,"x,y"'])
def test_two_rows_of_a_crop_that_contradict_are_an_error(tmp_path, path, rest):
    rows = f"d/é.jpg,d,1,1,x\nd/b.jpg,d,1,1,x\n{path},{rest}\n"
    (tmp_path / "c.csv").write_text(HEAD + rows, encoding="utf-8")
    with pytest.raises(FormatError, match=r"line 4: 'd/.*\.jpg' is otherwise in line 2"):
        list(classification_csv.read(tmp_path / "c.csv"))


HEAD = "path,dataset,location,confidence,label\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column 'path'; it has none"),
        ("path,dataset,label\n", "line 1: no column 'location'; it has path, dataset, label"),
        (HEAD + "a,d,l,0.5\n", "line 2: 4 values for 5 columns"),
        (HEAD + "a,d,l,high,x\n", r"line 2: confidence must be a number in \[0, 1\], got 'high'"),
        (HEAD + "a,d,l,1,x\nb,d,l,90,x\n", "line 3: confidence .* got '90'"),
        (HEAD + "a,d,l,nan,x\n", "line 2: confidence .* got 'nan'"),
        (HEAD + "/etc/a,d,l,1,x\n", "does not stay in the folder"),
        (HEAD + "d/../../a,d,l,1,x\n", "does not stay in the folder"),
        (HEAD + ",d,l,1,x\n", "does not stay in the folder"),
        (HEAD + 'a,d,l,1,"x,,y"\n', "label is empty"),
        (HEAD + "a,d,l,1,\n", "label is empty"),
        (HEAD + 'a,d,l,1,"x"y\n', "line 2: not CSV"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(tmp_path, text, message):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(FormatError, match=message):
        list(classification_csv.read(tmp_path / "c.csv"))


def test_a_missing_table_and_a_binary_one_are_the_users_to_mend(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        list(classification_csv.read(tmp_path / "c.csv"))
    (tmp_path / "c.csv").write_bytes(b"path\xff\xfe")
    with pytest.raises(FormatError, match="not UTF-8"):
        list(classification_csv.read(tmp_path / "c.csv"))


def test_a_comma_in_a_label_is_refused_and_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="comma"):
        classification_csv.write(tmp_path / "c.csv", [ELK._replace(labels=("a,b",))])
    assert not list(tmp_path.iterdir())
