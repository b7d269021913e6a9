import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database_tools.core.detections import Detections, Failure
from database_tools.core.errors import UserError
from database_tools.detections import store
from database_tools.detections.store import File

UNIT = st.floats(0, 1, width=32)
BOXES = st.lists(st.tuples(UNIT, UNIT, st.sampled_from(["1", "2", "\ud800"])), max_size=3)
RESULTS = BOXES.map(
    lambda rows: Detections.of_corners(
        [(0, 0, y, x) for y, x, _ in rows], [y for y, _, _ in rows], [c for _, _, c in rows]
    )
) | st.sampled_from([Failure("missing"), Failure("too large")])
FILES = st.builds(
    File,
    st.integers(-1, 2**40),
    st.integers(0, 2**62),
    st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
)


def found(score):
    return Detections.of_corners([[0, 0, 1, 1]], [score], ["1"])


def append(kept, names, results, **options):
    files = [File(7, 8, (9, 10))] * len(names)
    return kept.append(store.keys_of(names), files, results, **options)


def same(first, second):
    if isinstance(first, Failure) or isinstance(second, Failure):
        return first == second
    return first.equals(second)


@given(st.lists(st.tuples(RESULTS, FILES), min_size=1, max_size=9), st.integers(1, 4))
@settings(max_examples=40)
def test_what_was_appended_is_read_after_reopening(tmp_path_factory, pictures, size):
    folder = tmp_path_factory.mktemp("store")
    names = [f"{i}.jpg" for i in range(len(pictures))]
    keys = store.keys_of(names)
    with store.open(folder, "f") as kept:
        for start in range(0, len(names), size):
            rows = range(start, min(start + size, len(names)))
            found, files = zip(*(pictures[i] for i in rows), strict=True)
            kept.append(keys[rows.start : rows.stop], files, found)
    with store.open(folder, "f") as kept:
        rows = kept.rows(keys)
        for row, (result, file) in zip(rows.tolist(), pictures, strict=True):
            assert same(kept.seen(row).found, result)
            assert kept.seen(row).file == file
            assert kept.file(row) == File(file.size, file.time)
            assert kept.is_failure(row) == isinstance(result, Failure)


def test_the_last_record_of_a_picture_counts(tmp_path):
    names = ["a.jpg", "b.jpg"]
    with store.open(tmp_path, "f") as kept:
        append(kept, names, [Failure("missing"), found(0.5)])
        assert kept.has_detections
        append(kept, ["a.jpg"], [found(0.25)])
        for opened in (kept, None):
            assert opened is None or opened.rows(store.keys_of(names)).tolist() == [2, 1]
    with store.open(tmp_path, "f") as kept:
        assert kept.rows(store.keys_of([*names, "c.jpg"])).tolist() == [2, 1, store.UNKNOWN]
        assert kept.seen(2).found.scores[0] == 0.25


def test_another_detector_has_a_store_of_its_own(tmp_path):
    with store.open(tmp_path, "f") as kept:
        append(kept, ["a.jpg"], [found(0.5)])
    with store.open(tmp_path, "g") as other:
        assert len(other) == 0
        assert other.path != kept.path
    with store.open(tmp_path, "f") as kept:
        assert len(kept) == 1


def test_a_plan_is_what_has_no_results_yet_and_the_last_one(tmp_path):
    names = [f"{i}.jpg" for i in range(5)]
    keys = store.keys_of(names)
    with store.open(tmp_path, "f") as kept:
        assert len(kept.planned[0]) == 0
        kept.plan(np.array([2, 2, 1]), keys)
        append(kept, names[2:4], [found(0.5), Failure("missing")], group=1)
    with store.open(tmp_path, "f") as kept:
        numbers, lengths, members = kept.planned
        assert numbers.tolist() == [0, 2]
        assert lengths.tolist() == [2, 1]
        assert members.tolist() == keys[[0, 1, 4]].tolist()
        kept.plan(np.array([1]), keys[:1])
        assert kept.planned[1].tolist() == [1]


def test_names_of_two_unicode_forms_are_one_picture_unless_one_list_has_both():
    composed, apart = "caf\u00e9.jpg", "cafe\u0301.jpg"
    assert (store.keys_of([composed]) == store.keys_of([apart])).all()
    both = store.keys_of([composed, apart, "x.jpg"])
    assert len(np.unique(both, axis=0)) == 3
    assert (both[0] == store.keys_of([composed])[0]).all()


def test_a_name_that_is_no_text_has_a_key():
    names = ["caf\udce9.jpg", "caf\udce8.jpg", "\ud800"]
    assert len(np.unique(store.keys_of(names), axis=0)) == 3


def test_keys_that_share_their_first_half_are_told_apart():
    among = np.array([[1, 1], [1, 2], [0, 5]], np.uint64)
    order = np.argsort(among[:, 0], kind="stable")
    keys = np.array([[1, 2], [1, 3], [0, 5], [2, 2]], np.uint64)
    assert store.find(keys, among, order).tolist() == [1, -1, 2, -1]


def test_a_second_run_at_the_same_time_is_refused(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from database_tools.detections import store\n"
        "with store.open(Path(sys.argv[1]), 'f'): pass"
    )
    with store.open(tmp_path, "f"):
        run = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True
        )
    assert "another run is writing here" in run.stderr


def test_a_folder_that_is_a_file_is_the_users_error(tmp_path):
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(UserError, match="cannot write"), store.open(folder, "f"):
            pass


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_a_store_that_was_zeroed_from_some_byte_on_keeps_what_is_before(tmp_path, part):
    names = [f"{i}.jpg" for i in range(20)]
    with store.open(tmp_path, "f") as kept:
        kept.plan(np.full(10, 2), store.keys_of(names))
        for i in range(10):
            results = [found(0.5), Failure("missing")]
            append(kept, names[2 * i : 2 * i + 2], results, group=i)
        path = kept.path
    content = path.read_bytes()
    whole = int(part * len(content))
    path.write_bytes(content[:whole] + b"\0" * (len(content) - whole))
    with store.open(tmp_path, "f") as kept:
        assert len(kept) < 20
        rows = kept.rows(store.keys_of(names))
        assert (rows[: len(kept)] >= 0).all()
        assert all(kept.seen(row).file == File(7, 8, (9, 10)) for row in rows if row >= 0)
