from __future__ import annotations

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
