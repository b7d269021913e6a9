import os
import pickle
import pickletools
import resource
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from database_tools.core.detections import Detections
from database_tools.core.errors import FormatError, UserError
from database_tools.formats import detections_pickle

FLOAT32 = st.floats(0, 1, width=32)
SIDE = st.tuples(FLOAT32, FLOAT32).map(sorted)
SCORE = st.floats(0.0078125, 1, width=32)
BOX = st.tuples(SIDE, SIDE, SCORE).map(lambda s: (s[0][0], s[1][0], s[0][1], s[1][1], s[2]))
IMAGE_IDS = st.integers(-(2**70), 2**70) | st.text()
FILES = st.dictionaries(IMAGE_IDS, st.lists(st.tuples(BOX, st.integers(0, 700)), max_size=4))

ENTRY = {
    "num_detections": 2,
    "detection_classes": np.array([1, 2], np.uint8),
    "detection_boxes": np.array([[0.1, 0.2, 0.3, 0.4], [0.5, 0.5, 0.75, 1]], np.float32),
    "detection_scores": np.array([0.9, 0.5], np.float32),
}


def detections(rows):
    corners = [box[:4] for box, _ in rows]
    return Detections.of_corners(
        corners, [box[4] for box, _ in rows], [str(number) for _, number in rows]
    )


def same(first, second):
    return (
        np.array_equal(first.boxes, second.boxes)
        and np.array_equal(first.scores, second.scores)
        and first.categories == second.categories
    )


@given(FILES)
@settings(max_examples=40)
def test_what_was_written_is_read_and_plain_pickle_reads_it_too(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("pickle") / "detections_final.pkl"
    detections_pickle.write(path, ((key, detections(rows)) for key, rows in content.items()))
    table = detections_pickle.read(path)
    assert list(table) == list(content)
    assert all(same(table.get(key), detections(rows)) for key, rows in content.items())
    plain = pickle.loads(path.read_bytes())
    assert list(plain) == list(content)
    for key, rows in content.items():
        assert plain[key]["num_detections"] == len(rows)
        assert plain[key]["detection_boxes"].shape == (len(rows), 4)
        assert plain[key]["detection_classes"].tolist() == [number for _, number in rows]


def test_types_are_those_of_the_original(tmp_path):
    path = tmp_path / "d.pkl"
    detections_pickle.write(path, [(3, detections([((0, 0, 1, 1, 0.5), 1)]))])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy 2 warns of names that it is about to drop
        entry = pickle.loads(path.read_bytes())[3]
    assert type(entry["num_detections"]) is int
    assert entry["detection_classes"].dtype == np.uint8
    assert entry["detection_boxes"].dtype == entry["detection_scores"].dtype == np.float32


def test_pickle_names_what_numpy_1_knows_and_its_memo_does_not_grow(tmp_path):
    path = tmp_path / "d.pkl"
    found = detections([((0, 0, 1, 1, 0.5), 1)])
    detections_pickle.write(path, ((i, found) for i in range(50)))
    ops = [op.name for op, _, _ in pickletools.genops(path.read_bytes())]
    assert ops.count("MEMOIZE") < 15
    texts = {arg for _, arg, _ in pickletools.genops(path.read_bytes()) if isinstance(arg, str)}
    assert "numpy.core.multiarray" in texts
    assert not any("_core" in text for text in texts)


def test_boxes_below_five_thousandths_are_left_out(tmp_path):
    path = tmp_path / "d.pkl"
    rows = [((0, 0, 1, 1, score), 1) for score in (0.9, 0.0049, 0.005)]
    detections_pickle.write(path, [("a", detections(rows))])
    assert detections_pickle.read(path).get("a").scores.tolist() == [
        np.float32(0.9),
        np.float32(0.005),
    ]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("spelling", ["numpy.core", "numpy._core"])
def test_pickles_of_numpy_1_and_2_in_every_protocol(tmp_path, protocol, spelling):
    path = tmp_path / "d.pkl"
    content = pickle.dumps({"a": ENTRY, 7: {**ENTRY, "num_detections": np.float32(2)}}, protocol)
    path.write_bytes(respelled(content, spelling))
    table = detections_pickle.read(path)
    assert table.get(7).categories == ("1", "2")
    assert np.array_equal(table.get("a").corners(), ENTRY["detection_boxes"])


def respelled(content, spelling):
    """Change the name of numpy's inner package, and the lengths that precede it."""
    now = "numpy._core" if b"numpy._core" in content else "numpy.core"
    if now == spelling:
        return content
    for module in ("multiarray", "numeric"):
        old, new = f"{now}.{module}".encode(), f"{spelling}.{module}".encode()
        content = content.replace(bytes([len(old)]) + old, bytes([len(new)]) + new)
        content = content.replace(b"c" + old + b"\n", b"c" + new + b"\n")
    # Frames say how long they are; leaving them out is allowed.
    return b"".join(frameless(content))


def frameless(content):
    position = 0
    while (start := content.find(b"\x95", position)) >= 0 and start < 3:
        yield content[position:start]
        position = start + 9
    yield content[position:]


def test_lists_of_numbers_without_classes_are_animals(tmp_path):
    path = tmp_path / "d.pkl"
    entry = {"detection_scores": [0.5, 1], "detection_boxes": [[0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1]]}
    empty = {"detection_scores": [], "detection_boxes": []}
    path.write_bytes(pickle.dumps({"a/b.jpg": entry, "c.jpg": empty}))
    table = detections_pickle.read(path)
    assert table.get("a/b.jpg").categories == ("1", "1")
    assert table.get("a/b.jpg").boxes[1].tolist() == [0, 0, 1, 1]
    assert len(table.get("c.jpg")) == 0


def test_other_numeric_arrays_are_understood(tmp_path):
    path = tmp_path / "d.pkl"
    entry = {
        "detection_boxes": np.asfortranarray(ENTRY["detection_boxes"], np.float64),
        "detection_scores": ENTRY["detection_scores"].astype(">f4"),
        "detection_classes": ENTRY["detection_classes"].astype(np.float32),
    }
    path.write_bytes(pickle.dumps({1: entry}, 4))
    assert same(detections_pickle.read(path).get(1), detections_pickle_of(ENTRY, tmp_path))


def detections_pickle_of(entry, folder):
    path = folder / "other.pkl"
    path.write_bytes(pickle.dumps({1: entry}))
    return detections_pickle.read(path).get(1)


class Evil:
    def __init__(self, function, *values):
        self.call = (function, values)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    "function",
    [os.system, eval, exec, __import__, getattr, np.load, np.fromfile, pickle.loads, open],
    ids=lambda f: f.__qualname__,
)
def test_code_in_a_pickle_is_refused_and_not_run(tmp_path, function):
    path, victim = tmp_path / "d.pkl", tmp_path / "victim"
    victim.write_text("here")
    path.write_bytes(pickle.dumps({"a": Evil(function, f"rm {victim}")}))
    with pytest.raises(FormatError, match="nothing in it was run") as caught:
        detections_pickle.read(path)
    assert "\n" not in str(caught.value)
    assert victim.exists()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (b"cnumpy\nndarray\n(I2\ntR.", "not callable"),  # calls what stands for the type
        (b"cnumpy.core.multiarray\n_reconstruct\n(cos\nsystem\n(I0\ntS'b'\ntR.", "os.system"),
        (b"cnumpy\ndtype\n(S'O'\nI0\nI1\ntR.", "expected numbers"),
        (b"cnumpy\ndtype\n(S'V800000000'\nI0\nI1\ntR.", "expected numbers"),
        (b"cnumpy.core.multiarray\nscalar\n(I1\nI2\ntR.", "pickle of numbers"),
        (b"cnumpy.lib.npyio\nload\n(S'x'\ntR.", "nothing in it was run"),
        (b"cnumpy\ncore.multiarray._reconstruct\n.", "nothing in it was run"),
        (b"c__builtin__\nbytes\n(I9\ntR.", "pickle of numbers"),  # a gigabyte of zeros, otherwise
        (b"P1\n.", "pickle of numbers"),  # persistent ids
        (b"\x82\x01.", "pickle of numbers"),  # extension registry
        (b"", "it ends too early"),
        (b"junk", "pickle of numbers"),
    ],
)
def test_crafted_programs_end_in_one_line(tmp_path, program, said):
    path = tmp_path / "d.pkl"
    path.write_bytes(program)
    with pytest.raises(FormatError, match=said) as caught:
        detections_pickle.read(path)
    assert "\n" not in str(caught.value)


def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path):
    path = tmp_path / "d.pkl"
    content = pickle.dumps({"a": ENTRY}, 4)
    shape = b"K\x02K\x04\x86"  # (2, 4)
    assert content.count(shape) == 1
    path.write_bytes(content.replace(shape, b"K\x02K\x05\x86"))
    with pytest.raises(FormatError, match=r"32 bytes for an array of shape \(2, 5\)"):
        detections_pickle.read(path)


def test_an_object_with_a_huge_number_takes_no_memory(tmp_path):
    # EMPTY_DICT, LONG_BINPUT 2**32 - 2, STOP: C's unpickler would make room for 2**33 objects
    path = tmp_path / "d.pkl"
    path.write_bytes(b"\x80\x03}r\xfe\xff\xff\xff.")
    program = (
        "import sys, pathlib\nfrom database_tools.formats import numpy_pickle\n"
        "assert numpy_pickle.load(pathlib.Path(sys.argv[1])) == {}"
    )
    limit = 4 << 30  # fail there, not by the system's hand
    subprocess.run(
        [sys.executable, "-c", program, path],
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory, noise):
    path = tmp_path_factory.mktemp("noise") / "d.pkl"
    good = pickle.dumps({"a": ENTRY}, 4)
    path.write_bytes(good[:-1] + noise + b".")
    try:
        detections_pickle.read(path)
    except FormatError as error:
        assert "\n" not in str(error)  # noqa: PT017 - any outcome but another error is right


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ([ENTRY], "holds a list, expected a dict"),
        ({1.5: ENTRY}, "expected an image id"),
        ({"a": [1]}, "entry 'a': a list, expected a dict"),
        ({"a": {"detection_boxes": []}}, "no 'detection_scores'"),
        ({"a": {**ENTRY, "detection_scores": [0.5]}}, "1 scores"),
        ({"a": {**ENTRY, "detection_scores": "05"}}, "a str, expected numbers"),
        ({"a": {**ENTRY, "detection_boxes": [["x", 0, 0, 0]]}}, "expected numbers"),
    ],
)
def test_entry_that_breaks_a_rule_is_named(tmp_path, content, said):
    path = tmp_path / "d.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(FormatError, match=said):
        detections_pickle.read(path)


def test_missing_pickle_is_said(tmp_path):
    with pytest.raises(UserError, match="no such file"):
        detections_pickle.read(tmp_path / "d.pkl")


def test_interrupted_writing_leaves_the_old_pickle(tmp_path):
    path = tmp_path / "d.pkl"
    path.write_bytes(b"old")

    def items():
        yield "a", detections([])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        detections_pickle.write(path, items())
    assert [f.name for f in tmp_path.iterdir()] == ["d.pkl"]
    assert path.read_bytes() == b"old"
