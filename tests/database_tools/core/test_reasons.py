"""Reasons are named once: no two alike, and each in one group."""

from database_tools.core import reasons

GROUPS = (
    reasons.NAMES,
    reasons.ANNOTATIONS,
    reasons.READING,
    reasons.DETECTIONS,
    reasons.CROPS,
    {reasons.UNLISTED},
)


def test_every_reason_is_in_one_group():
    named = [
        word for name, word in vars(reasons).items() if isinstance(word, str) and name.isupper()
    ]
    grouped = [word for group in GROUPS for word in group]
    assert sorted(named) == sorted(grouped)
    assert len(set(named)) == len(named)
