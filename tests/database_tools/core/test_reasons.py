"""Reasons are named once: no two alike, and none in two groups."""

from database_tools.core import reasons

GROUPS = (reasons.NAMES, reasons.READING, reasons.DETECTIONS, reasons.CROPS)


def test_no_two_reasons_are_alike_and_none_is_in_two_groups():
    named = [
        word for name, word in vars(reasons).items() if isinstance(word, str) and name.isupper()
    ]
    grouped = [word for group in GROUPS for word in group]
    assert len(set(named)) == len(named)
    assert len(set(grouped)) == len(grouped)
    assert set(grouped) < set(named)
