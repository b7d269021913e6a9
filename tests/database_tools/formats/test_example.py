"""Examples against TensorFlow's own serialiser, and round trips."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from database_tools.formats import example

FEATURES = {
    "image/encoded": (b"\xff\xd8" * 100,),
    "image/class/text": ("Füchsin".encode(),),
    "image/class/label": np.array([3, 300, -1]),
    "image/class/conf": np.array([1.0, 0.1], np.float32),
    "no bytes": example.NO_BYTES,
    "no floats": example.NO_FLOATS,
    "no integers": example.NO_INTS,
}


def as_plain(features):
    return {
        k: (v.dtype.kind, v.tolist()) if isinstance(v, np.ndarray) else tuple(v)
        for k, v in features.items()
    }


def test_features_survive():
    assert as_plain(example.decode(example.encode(FEATURES))) == as_plain(FEATURES)


def test_order_of_the_names_does_not_matter():
    backwards = dict(reversed(FEATURES.items()))
    assert example.encode(backwards) == example.encode(FEATURES)


@given(
    st.dictionaries(
        st.text(),
        st.lists(st.binary()).map(tuple)
        | st.lists(st.integers(-(2**63), 2**63 - 1)).map(lambda v: np.array(v, np.int64))
        | st.lists(st.floats(width=32, allow_nan=False)).map(lambda v: np.array(v, np.float32)),
    )
)
def test_any_features_survive(features):
    assert as_plain(example.decode(example.encode(features))) == as_plain(features)


@pytest.mark.parametrize("value", ["text", ["text"], np.array(["text"])])
def test_text_is_refused_because_its_encoding_is_not_known(value):
    with pytest.raises(TypeError, match="a name"):
        example.encode({"a name": value})


@pytest.mark.parametrize("junk", [b"\x0a\x05ab", b"\x0b", b"\x0a\x03\x0a\x01\x0a", b"\x0a"])
def test_junk_is_no_example(junk):
    with pytest.raises(ValueError, match="not a"):
        example.decode(junk)


@pytest.mark.slow
def test_tensorflow_reads_ours_and_we_read_tensorflows():
    import tensorflow as tf

    theirs = tf.train.Example.FromString(example.encode(FEATURES))
    assert list(theirs.features.feature["image/class/label"].int64_list.value) == [3, 300, -1]
    assert theirs.features.feature["no floats"].WhichOneof("kind") == "float_list"
    assert theirs.features.feature["no integers"].WhichOneof("kind") == "int64_list"
    assert theirs.features.feature["no bytes"].WhichOneof("kind") == "bytes_list"
    assert as_plain(example.decode(theirs.SerializeToString())) == as_plain(FEATURES)
    assert theirs.SerializeToString(deterministic=True) == example.encode(FEATURES)
