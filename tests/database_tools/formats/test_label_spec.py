from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools import csv_to_json
from database_tools.core.errors import FormatError
from database_tools.core.label_spec import LabelRule, Selection, TaxonRule
from database_tools.formats import label_spec, label_spec_csv

HEADER = "output_label,type,content\n"


def convert(folder, rows, *flags):
    source, target = folder / "spec.csv", folder / "out" / "spec.json"
    source.write_text(HEADER + rows, encoding="utf-8")
    assert csv_to_json.main([str(source), str(target), *flags]) == 0
    return target.read_text("utf-8")


def test_the_worked_example_gives_the_originals_json(tmp_path):
    rows = """
!dog,species,canis lupus
dog,genus,Canis
dog,genus,Canis
cat,row,ds one|house cat
cat,species,felis catus # note
cat,max_count,7
cat,max_count,9
"""
    genus = {"level": "genus", "name": "Canis"}
    expected = {
        "dog": {
            "taxa": [genus, genus],
            "exclude": {"taxa": [{"level": "species", "name": "canis lupus"}]},
        },
        "cat": {
            "dataset_labels": {"ds one": ["house cat"]},
            "taxa": [{"level": "species", "name": "felis catus "}],
            "max_count": 9,
        },
    }
    assert convert(tmp_path, rows) == json.dumps(expected)


def test_the_readmes_csv_whole(tmp_path):
    rows = """# select a specific row from the master taxonomy CSV
bird,row,idfg|turkey

# select all animals in a taxon from a particular dataset
bird,datasettaxon,idfg|class|aves
bird,class,aves
!bird,genus,meleagris
!bird,row,idfg|turkey
bird,max_count,1e3
# it is Python syntax
bird,prioritize,"[['ds#1', 'ds2'], ['ds3']]"
"""
    expected = {
        "bird": {
            "dataset_labels": {"idfg": ["turkey"]},
            "taxa": [
                {"level": "class", "name": "aves", "datasets": ["idfg"]},
                {"level": "class", "name": "aves"},
            ],
            "exclude": {
                "dataset_labels": {"idfg": ["turkey"]},
                "taxa": [{"level": "genus", "name": "meleagris"}],
            },
            "max_count": 1000,
            "prioritize": [["ds#1", "ds2"], ["ds3"]],
        }
    }
    assert convert(tmp_path, rows, "--json-indent", "2") == json.dumps(expected, indent=2)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("a,row,ds\n", "line 2: content of type row must be dataset|label, got 'ds'"),
        ("a,row,ds|x|y\n", "line 2: content of type row must be dataset|label"),
        ("\n# note\na,datasettaxon,ds|class\n", "line 4: content of type datasettaxon"),
        ("a,species\n", "line 2: 2 values for 3 columns: 'a,species'"),
        ("a,species,\n", "line 2: the content is empty"),
        ("a,,x\n", "line 2: the type is empty"),
        ("a,max_count,many\n", "line 2: max_count must be a whole number from 1, got 'many'"),
        ("a,max_count,0\n", "whole number from 1"),
        ("a,max_count,inf\n", "whole number from 1"),
        ("a,prioritize,__import__('os').getcwd()\n", "must be a list of lists of datasets"),
        ("a,prioritize,['ds']\n", "must be a list of lists of datasets"),
        ("!a,max_count,3\n", "leave out the !"),
        ("# nothing\n", "no row says what a label is made of"),
    ],
)
def test_a_row_that_breaks_a_rule_is_named_and_nothing_written(tmp_path, capsys, rows, message):
    source, target = tmp_path / "spec.csv", tmp_path / "spec.json"
    source.write_text(HEADER + rows)
    assert csv_to_json.main([str(source), str(target)]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "spec.csv" in error
    assert not target.exists()


def test_a_header_of_other_columns_is_refused(tmp_path):
    path = tmp_path / "spec.csv"
    path.write_text("output_label,type\na,genus\n")
    with pytest.raises(FormatError, match="line 1: expected output_label,type,content"):
        label_spec_csv.read(path)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ([], "top level: expected an object"),
        ({"a": 3}, '"a": expected an object, got 3'),
        ({"a": {"taxon": []}}, '"a": no key "taxon" is known here'),
        ({"a": {"taxa": [{"level": "genus"}]}}, '"a".taxa[0]: "name" must be a text, got null'),
        ({"a": {"exclude": {"max_count": 3}}}, '"a".exclude: no key "max_count" is known here'),
        ({"a": {"dataset_labels": {"ds": "x"}}}, 'dataset_labels."ds": expected a list, got "x"'),
        ({"a": {"max_count": "7"}}, '"a".max_count: must be a whole number from 1, got "7"'),
        ({"a": {"max_count": True}}, "must be a whole number from 1, got true"),
        ({"a": {"prioritize": ["ds"]}}, '"a".prioritize[0]: expected a list, got "ds"'),
    ],
)
def test_a_json_that_breaks_a_rule_is_named(tmp_path, spec, message):
    path = tmp_path / "spec.json"
    path.write_text(json.dumps(spec))
    with pytest.raises(FormatError) as error:
        label_spec.read(path)
    assert message in str(error.value)


_texts = st.text(min_size=1)
_taxa = st.builds(TaxonRule, _texts, _texts, st.none() | st.lists(_texts, max_size=2).map(tuple))
_parts = {
    "taxa": st.lists(_taxa, max_size=3).map(tuple),
    "dataset_labels": st.dictionaries(_texts, st.lists(_texts, min_size=1).map(tuple), max_size=2),
}
_rules = st.builds(
    LabelRule,
    **_parts,
    exclude=st.none() | st.builds(Selection, **_parts, exclude=st.builds(Selection, **_parts)),
    max_count=st.none() | st.integers(1, 10**9),
    prioritize=st.lists(st.lists(_texts).map(tuple), max_size=2).map(tuple),
)


@given(spec=st.dictionaries(st.text(), _rules, min_size=1, max_size=3))
def test_a_specification_survives_writing_and_reading(tmp_path_factory, spec):
    path = tmp_path_factory.mktemp("spec") / "spec.json"
    label_spec.write(path, spec)
    assert label_spec.read(path) == spec
