"""The nearest hash by an index, against all pairs."""

import numpy as np

from database_tools.core.near_duplicates import Index


def flipped(row, bits):
    bytes_ = np.unpackbits(row)
    bytes_[bits] ^= 1
    return np.packbits(bytes_)


def test_the_nearest_of_many_is_found_by_any_of_its_variants():
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 256, (500, 2, 32), np.uint8)
    asked = rng.integers(0, 256, (3, 4, 32), np.uint8)
    asked[0, 3] = flipped(hashes[7, 1], [1, 20, 100, 200])
    asked[1, 0] = flipped(hashes[8, 0], range(90, 130))
    asked[2, 2] = flipped(hashes[9, 0], range(90, 131))
    positions, bits = Index(hashes).nearest(asked, most=40)
    assert positions.tolist() == [7, 8, -1]
    assert bits.tolist() == [4, 40, 41]


def test_of_equals_the_first_is_taken():
    one = np.full((1, 2, 32), 3, np.uint8)
    positions, bits = Index(np.repeat(one, 5, axis=0)).nearest(one, most=0)
    assert (positions.tolist(), bits.tolist()) == ([0], [0])


def test_pictures_without_anything_to_see_are_like_no_other():
    nothing = np.zeros((2, 2, 32), np.uint8)
    assert Index(nothing).nearest(nothing, most=255)[0].tolist() == [-1, -1]
    assert Index(nothing[:0]).nearest(nothing[:0], most=40)[0].tolist() == []


def test_many_equal_keys_are_compared_some_at_a_time(monkeypatch):
    monkeypatch.setattr("database_tools.core.near_duplicates._AT_ONCE", 7)
    rng = np.random.default_rng(1)
    hashes = rng.integers(0, 256, (60, 1, 32), np.uint8)
    hashes[:, :, :10] = 5
    all_pairs = np.bitwise_count(hashes ^ hashes[:, 0]).sum(-1).astype(int)
    np.fill_diagonal(all_pairs, 999)
    index = Index(hashes[:30])
    positions, bits = index.nearest(hashes[30:], most=255)
    assert bits.tolist() == all_pairs[30:, :30].min(axis=1).tolist()
    assert positions.tolist() == all_pairs[30:, :30].argmin(axis=1).tolist()
