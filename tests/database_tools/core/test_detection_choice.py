"""Names and ids of detection categories; which boxes count is tested through the command."""

import pytest

from database_tools.core.detection_choice import people, resolve
from database_tools.core.errors import UserError

MEGADETECTOR = {"1": "animal", "2": "person", "3": "vehicle"}
OTHER = {"17": "cat", "18": "Dog", "44": "cat", "1": "person"}


@pytest.mark.parametrize(
    ("wanted", "names", "ids"),
    [
        (["animal"], MEGADETECTOR, {"1"}),
        (["animal"], None, {"1"}),  # no label map: MegaDetector's names
        (["7"], None, {"7"}),  # and any id
        (["cat", "dog"], OTHER, {"17", "18", "44"}),  # names need not be unique
        (["18"], OTHER, {"18"}),
        (["any", "cat"], OTHER, None),
    ],
)
def test_names_and_ids_become_ids(wanted, names, ids):
    assert resolve(wanted, names) == ids


@pytest.mark.parametrize(
    ("wanted", "names"),
    [(["animal"], OTHER), (["5"], MEGADETECTOR), (["cat"], None), (["cat"], {})],
)
def test_what_is_not_there_is_told(wanted, names):
    with pytest.raises(UserError, match="no detection category"):
        resolve(wanted, names)


def test_people_are_hidden_unless_they_are_wanted():
    assert people(MEGADETECTOR, frozenset({"1"})) == {"2"}
    assert people(None, frozenset({"1"})) == {"2"}
    assert people(OTHER, frozenset({"17"})) == {"1"}
    assert people(MEGADETECTOR, frozenset({"2"})) == frozenset()
    assert people(MEGADETECTOR, None) == frozenset()
