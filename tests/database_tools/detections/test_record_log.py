import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database_tools.core.errors import UserError
from database_tools.detections.record_log import RecordLog

PAYLOADS = [b"one", b"\0" * 40, b"three" * 9]


def contents(path, header=b"mine", add=()):
    with contextlib.closing(RecordLog(path, header)) as log:
        found = [payload for _, payload in log.records()]
        for payload in add:
            log.append(payload)
        return found


@given(st.lists(st.binary(min_size=1), max_size=6), st.integers(0, 6))
@settings(max_examples=40)
def test_what_was_appended_is_read_after_reopening(tmp_path_factory, payloads, cut):
    path = tmp_path_factory.mktemp("log") / "new" / "x.log"
    assert contents(path, add=payloads[:cut]) == []
    assert contents(path, add=payloads[cut:]) == payloads[:cut]
    with contextlib.closing(RecordLog(path, b"mine")) as log:
        assert [log.read(place) for place, _ in log.records()] == payloads


def test_a_torn_tail_is_cut_off_at_every_byte_and_said_once(tmp_path, caplog):
    path = tmp_path / "x.log"
    contents(path, add=PAYLOADS[:2])
    whole = path.stat().st_size
    contents(path, add=PAYLOADS[2:])
    content = path.read_bytes()
    for end in range(whole, len(content)):
        caplog.clear()
        path.write_bytes(content[:end])
        assert contents(path, add=PAYLOADS[2:]) == PAYLOADS[:2]
        assert path.read_bytes() == content
        assert len(caplog.records) == (end > whole)


@pytest.mark.parametrize("broken", [b"", b"detlog1\n old", b"\0" * 500, bytes(range(256))])
def test_a_log_without_its_header_begins_anew_with_one_line(tmp_path, caplog, broken):
    path = tmp_path / "x.log"
    contents(path, add=PAYLOADS)
    head = len(b"detlog2\n") + 8 + len(b"mine")
    for content in [broken, *(path.read_bytes()[:end] for end in range(0, head, 5))]:
        caplog.clear()
        path.write_bytes(content)
        assert contents(path, add=PAYLOADS) == []
        assert [r.getMessage() for r in caplog.records] == [
            f"WARNING: {path}: cannot be read, so it is begun anew"
        ]
        assert contents(path) == PAYLOADS


@pytest.mark.parametrize("spoil", ["bit", "zeros", "noise"])
def test_what_follows_a_broken_record_is_gone(tmp_path, spoil):
    path = tmp_path / "x.log"
    contents(path, add=PAYLOADS[:1])
    start = path.stat().st_size
    contents(path, add=PAYLOADS[1:])
    content = bytearray(path.read_bytes())
    rest = len(content) - start
    if spoil == "bit":
        content[start + 9] ^= 1
    else:
        content[start:] = b"\0" * rest if spoil == "zeros" else bytes(i % 251 for i in range(rest))
    path.write_bytes(content)
    assert contents(path) == PAYLOADS[:1]
    assert path.stat().st_size == start


def test_a_record_that_breaks_while_it_is_used_is_the_users_error(tmp_path):
    path = tmp_path / "x.log"
    with contextlib.closing(RecordLog(path, b"mine")) as log:
        place = log.append(PAYLOADS[0])
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(UserError, match="cannot be read any more"):
            log.read(place)


def test_a_folder_that_cannot_be_written_is_the_users_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write"):
        RecordLog(tmp_path / "file" / "logs" / "x.log", b"mine")
