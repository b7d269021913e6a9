"""Several entries of one picture: what one says the others need not; no order decides."""

from hypothesis import given
from hypothesis import strategies as st

from database_tools.core import reasons
from database_tools.core.annotations import SEVERAL, UNLABELED
from database_tools.core.repeated_entries import settle

CLASSES = st.sampled_from([UNLABELED, SEVERAL, 0, 1])
PLACES = st.sampled_from([None, "A", "B", 13, "13"])


@given(st.lists(st.tuples(CLASSES, PLACES), min_size=1, max_size=5), st.randoms())
def test_any_order_of_entries_gives_the_same(entries, random):
    def outcome(rows):
        places, left_out = settle(["a"] * len(rows), *zip(*rows, strict=True))
        kept = [i for i in range(len(rows)) if i not in left_out]
        found = {(rows[i][0], str(places[i])) for i in kept}
        return found, sorted(left_out.values())

    shuffled = list(entries)
    random.shuffle(shuffled)
    assert outcome(shuffled) == outcome(entries)


def test_other_pictures_and_names_that_are_none_are_left_alone():
    names, classes = ["a", None, "b", None, "a"], [0, 1, 1, 0, UNLABELED]
    places, left_out = settle(names, classes, ["A", None, "B", None, None])
    assert places == ["A", None, "B", None, "A"]
    assert left_out == {4: reasons.LISTED_BEFORE}
