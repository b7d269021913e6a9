from __future__ import annotations

import json

import pytest

from database_tools.core.ledger import Drops, Ledger
from database_tools.formats import ledger_json


def test_a_ledger_that_does_not_add_up_is_refused():
    with pytest.raises(ValueError, match="5 in, but 3 kept and 1 dropped"):
        Ledger("crop", 5, 3, {"missing": ["a"]})


def test_drops_are_counted_by_reason_and_survive_the_file(tmp_path):
    drops = Drops()
    for reason, file in [("truncated", "b"), ("missing", "a"), ("missing", "c")]:
        drops.add(reason, file)
    ledger = drops.close("crop", total=10, kept=7)
    assert ledger.total == 10
    assert ledger.summary() == "3 of 10 were left out: 2 missing, 1 truncated"
    path = ledger_json.write(tmp_path, ledger)
    assert path.name == "crop_ledger.json"
    again = ledger_json.read(path)
    assert (again.total, again.kept) == (10, 7)
    assert {k: list(v) for k, v in again.dropped.items()} == {
        "missing": ["a", "c"],
        "truncated": ["b"],
    }


def test_the_next_stage_is_told_when_counts_disagree(tmp_path):
    ledger = Ledger("crop", 3, 2, {"missing": ["a"]}, made=5, beside={"odd": ["x", "y"]})
    assert ledger_json.disagreement(tmp_path, "crop", 9) == ""  # there is no ledger
    path = ledger_json.write(tmp_path, ledger)
    assert ledger_json.disagreement(tmp_path, "crop", 5) == ""
    assert ledger_json.disagreement(tmp_path, "crop", 4) == f"{path} counts 5, but there are 4"
    path.write_text("{}", encoding="utf-8")
    assert "not a ledger" in ledger_json.disagreement(tmp_path, "crop", 5)


def test_the_file_is_what_json_writes_and_has_any_name(tmp_path):
    names = ["caf\udce9.jpg", 'a "b"\n.jpg', "\U0001f98a"]
    ledger = Ledger("crop", 4, 1, {"empty": [], "missing": names}, 2, {"odd": ["x"]})
    text = ledger_json.write(tmp_path, ledger).read_text(encoding="utf-8")
    table = json.loads(text)
    assert table["dropped"] == {"empty": [], "missing": names}
    assert (table["made"], table["beside"]) == (2, {"odd": ["x"]})
    plain = json.dumps(table, indent=1, ensure_ascii=False).replace("\udce9", "\\udce9")
    assert text == f"{plain}\n"


def test_what_is_beside_is_not_in_the_sum_and_has_a_summary_of_its_own():
    ledger = Ledger("crop", 1, 1, made=1, beside={"box": ["a", "a"], "other": ["b"]})
    assert (ledger.summary(), ledger.summary_beside()) == ("", "2 box, 1 other")
