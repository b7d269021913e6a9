import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database_tools.core.detections import Detections, Failure
from database_tools.core.errors import UserError
from database_tools.detections.detection_log import DetectionLog

UNIT = st.floats(0, 1, width=32)
BOXES = st.lists(st.tuples(UNIT, UNIT, st.sampled_from(["1", "2", "x"])), max_size=3)
RESULTS = BOXES.map(
    lambda rows: Detections.of_corners(
        [(0, 0, y, x) for y, x, _ in rows], [y for y, _, _ in rows], [c for _, _, c in rows]
    )
) | st.sampled_from([Failure("missing"), Failure("too large")])


def found(score):
    return Detections.of_corners([[0, 0, 1, 1]], [score], ["1"])


GROUPS = [[found(0.1), found(0.2)], [Failure("missing"), found(0.4)], [found(0.5)]]


def same(first, second):
    if isinstance(first, Failure) or isinstance(second, Failure):
        return first == second
    return (
        first.boxes.tobytes() == second.boxes.tobytes()
        and first.scores.tobytes() == second.scores.tobytes()
        and first.categories == second.categories
    )


def all_same(first, second):
    return all(same(a, b) for a, b in zip(first, second, strict=True))


def fill(log, groups=range(3)):
    for group in groups:
        log.append(group, GROUPS[group])


@given(st.lists(RESULTS, min_size=1, max_size=9), st.integers(1, 4))
@settings(deadline=None, max_examples=40)
def test_what_was_appended_is_read_after_reopening(tmp_path_factory, results, size):
    folder = tmp_path_factory.mktemp("log")
    with DetectionLog(folder, "f", len(results), size) as log:
        for group in reversed(range(log.groups)):  # in any order
            log.append(group, [results[i] for i in log.positions(group)])
    with DetectionLog(folder, "f", len(results), size) as log:
        assert log.finished == log.groups
        assert all_same(log, results)
        assert all(same(log[i], result) for i, result in enumerate(results))


def test_a_torn_tail_is_cut_off_at_every_byte(tmp_path):
    with DetectionLog(tmp_path, "f", 5, 2) as log:
        fill(log, [0, 1])
        whole = log.path.stat().st_size
        fill(log, [2])
    content = log.path.read_bytes()
    for end in range(whole, len(content)):
        log.path.write_bytes(content[:end])
        with DetectionLog(tmp_path, "f", 5, 2) as again:
            assert [group in again for group in range(3)] == [True, True, False]
            assert all_same(again.read(1), GROUPS[1])
            fill(again, [2])
        assert log.path.read_bytes() == content


def test_a_log_that_is_torn_in_its_header_begins_anew(tmp_path):
    with DetectionLog(tmp_path, "f", 5, 2) as log:
        begin = log.path.read_bytes()
    for end in range(len(begin)):
        log.path.write_bytes(begin[:end])
        with DetectionLog(tmp_path, "f", 5, 2) as again:
            assert again.finished == 0
        assert log.path.read_bytes() == begin


def test_a_flipped_bit_ends_the_log(tmp_path):
    with DetectionLog(tmp_path, "f", 5, 2) as log:
        fill(log, [0])
        middle = log.path.stat().st_size + 20
        fill(log, [1, 2])
    content = bytearray(log.path.read_bytes())
    content[middle] ^= 1
    log.path.write_bytes(content)
    with DetectionLog(tmp_path, "f", 5, 2) as again:
        assert [group in again for group in range(3)] == [True, False, False]


@pytest.mark.parametrize("other", [("g", 5, 2), ("f", 6, 2), ("f", 5, 3)])
def test_another_pass_has_a_log_of_its_own(tmp_path, other):
    with DetectionLog(tmp_path, "f", 5, 2) as log:
        fill(log)
    with DetectionLog(tmp_path, *other) as another:
        assert another.finished == 0
        assert another.path != log.path
    with DetectionLog(tmp_path, "f", 5, 2) as log:
        assert log.finished == 3


def test_a_group_that_is_written_again_counts_as_last_written(tmp_path):
    with DetectionLog(tmp_path, "f", 5, 2) as log:
        fill(log)
        assert log.with_failures == [1]
        assert isinstance(log[2], Failure)
        log.append(1, [found(0.3), found(0.4)])
        assert log.with_failures == []
        assert log[2].scores[0] == np.float32(0.3)
    with DetectionLog(tmp_path, "f", 5, 2) as log:
        assert log.with_failures == []
        assert log[2].scores[0] == np.float32(0.3)


def test_a_group_of_the_wrong_size_is_our_fault(tmp_path):
    with DetectionLog(tmp_path, "f", 5, 2) as log, pytest.raises(ValueError, match="1 results"):
        log.append(0, GROUPS[2])


def test_a_second_run_at_the_same_time_is_refused(tmp_path):
    program = (
        "import sys; from pathlib import Path\n"
        "from database_tools.detections.detection_log import DetectionLog\n"
        "DetectionLog(Path(sys.argv[1]), 'f', 5, 2)"
    )
    with DetectionLog(tmp_path, "f", 5, 2):
        run = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True
        )
    assert "another run is writing this log" in run.stderr


def test_a_folder_that_cannot_be_written_is_the_users_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        DetectionLog(tmp_path / "file" / "logs", "f", 5, 2)
