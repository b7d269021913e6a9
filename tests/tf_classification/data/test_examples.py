from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from database_tools.core.errors import FormatError
from database_tools.core.ledger import Ledger
from tf_classification.data.examples import Columns, Dataset, Examples, require_training_crops


def test_columns_survive_being_packed_in_chunks(monkeypatch):
    monkeypatch.setattr(Columns, "_CHUNK", 3)
    columns = Columns()
    for i in range(7):
        columns.add(f"ü{i}.jpg", i, 10 * i, i / 8)
    examples = columns.close(lambda keys: lambda rows: [keys[row].encode() for row in rows])
    assert examples.keys.tolist() == [f"ü{i}.jpg" for i in range(7)]
    assert examples.labels.tolist() == list(range(7))
    assert examples.locations.tolist() == [10 * i for i in range(7)]
    assert examples.confidences.tolist() == [i / 8 for i in range(7)]
    assert examples.reader(np.array([6])) == ["ü6.jpg".encode()]
    assert examples.counts(9).tolist() == [1] * 7 + [0, 0]


def test_no_rows_are_columns_too():
    examples = Columns().close(lambda keys: lambda rows: [])
    assert (len(examples), examples.labels.dtype) == (0, np.int32)


def test_columns_of_different_lengths_are_refused():
    keys = np.array(["a"], np.dtypes.StringDType())
    with pytest.raises(ValueError, match="different lengths"):
        Examples(keys, np.zeros(2, np.int32), np.zeros(1, np.int32), np.ones(1), lambda rows: [])


def test_labels_without_training_crops_are_named_and_many_are_cut_short():
    columns = Columns()
    columns.add("a", 1, 0, 1)
    names = tuple("abcdefgh")
    splits = {"train": columns.close(lambda keys: lambda rows: [])}
    dataset = Dataset(names, (), splits, Ledger("x", 1, 1), empty_labels=(2,))
    with pytest.raises(FormatError, match=r"'a', 'd', 'e', 'f', 'g' and 1 more"):
        require_training_crops(dataset, Path("here"))
