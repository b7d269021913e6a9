from __future__ import annotations

import numpy as np
import pytest

from database_tools.core.sampling import EpochPlan, Sampling
from tf_classification.data import pipeline, transforms
from tf_classification.data.augmentation import Augmentation
from tf_classification.data.batching import Batching

SIZE = 16


@pytest.fixture
def contents(encode, smooth):
    return [encode(smooth(40 + i, 50, seed=i)) for i in range(10)]


def stream(examples, batching=None, changes=None, **options):
    """Return the batches of two epochs of 10 draws: 3 steps each with batches of 4."""
    plan = EpochPlan(examples.labels, Sampling(power=1, seed=5))
    batches = pipeline.training(
        examples,
        plan,
        batching or Batching(4, SIZE),
        changes or Augmentation(),
        **{"num_labels": 3, "epochs": 2, **options},
    )
    return list(batches.as_numpy_iterator())


def equal(first, second):
    return len(first) == len(second) and all(
        a.keys() == b.keys() and all((a[key] == b[key]).all() for key in a)
        for a, b in zip(first, second, strict=True)
    )


def test_training_follows_the_plan(examples_of, contents):
    examples = examples_of(contents)
    batches = stream(examples)
    assert len(batches) == 6
    plan = EpochPlan(examples.labels, Sampling(power=1, seed=5))
    for epoch in range(2):
        index = np.concatenate([b["index"] for b in batches[3 * epoch : 3 * epoch + 3]])
        assert index.tolist() == [*plan.indices(epoch), -1, -1]
    for batch in batches:
        assert batch["image"].shape == (4, SIZE, SIZE, 3)
        assert batch["image"].dtype == np.uint8
        real = batch["index"] >= 0
        assert (batch["label"][real] == examples.labels[batch["index"][real]]).all()
        assert (batch["weight"] == real).all()


def test_rows_that_fill_a_batch_are_pictures(examples_of, contents):
    last = stream(examples_of(contents))[2]
    assert last["index"][2:].tolist() == [-1, -1]
    assert (last["image"].std(axis=(1, 2, 3)) > 5).all()


def test_a_batch_larger_than_an_epoch_is_filled(examples_of, contents):
    batches = stream(examples_of(contents[:3]), Batching(8, SIZE), epochs=1)
    assert [batch["weight"].tolist() for batch in batches] == [[1] * 3 + [0] * 5]


def test_the_stream_is_the_same_for_any_number_of_workers_and_threads(examples_of, contents):
    examples = examples_of(contents)
    whole = stream(examples, Batching(4, SIZE, threads=1))
    assert equal(whole, stream(examples, Batching(4, SIZE, threads=5)))
    parts = [stream(examples, Batching(4, SIZE, worker, 2)) for worker in range(2)]
    joined = [
        {key: np.concatenate([part[key] for part in step]) for key in step[0]}
        for step in zip(*parts, strict=True)
    ]
    assert equal(whole, joined)


@pytest.mark.parametrize(
    "changes",
    [
        Augmentation(),
        # Keras' layers take their time to be traced.
        pytest.param(Augmentation(mixup=0.4, cutmix=1, rand_augment=1), marks=pytest.mark.slow),
    ],
)
def test_a_resumed_stream_goes_on_where_it_was(examples_of, contents, changes):
    examples = examples_of(contents)
    whole = stream(examples, changes=changes)
    for start in (2, 6):
        assert equal(whole[start:], stream(examples, changes=changes, start_step=start))


def test_pictures_change_from_epoch_to_epoch(examples_of, contents):
    batches = stream(examples_of(contents[:1]), Batching(1, SIZE), epochs=3)
    images = [batch["image"] for batch in batches]
    assert not (images[0] == images[1]).all()
    assert not (images[1] == images[2]).all()


def test_bad_pictures_are_black_without_weight_and_disturb_no_other(examples_of, contents):
    good = contents[0]
    bad = {
        1: b"",  # missing
        3: b"not a picture at all",
        4: good[:90],  # cut off before the size
        6: good[: len(good) // 2],
        # The size is there, but no decoder for 12 bits a colour.
        8: good.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c"),
    }
    assert bad[8] != good
    examples = examples_of(contents)
    broken = examples_of([bad.get(i, content) for i, content in enumerate(contents)])
    batching = Batching(4, SIZE)
    for way in (stream, lambda e: list(pipeline.evaluation(e, batching).as_numpy_iterator())):
        for expected, batch in zip(way(examples), way(broken), strict=True):
            hit = np.isin(batch["index"], list(bad))
            assert not batch["weight"][hit].any()
            assert not batch["image"][hit & (batch["index"] >= 0)].any()
            same = ~hit & (batch["index"] >= 0)  # rows that fill a batch may show a bad one too
            assert (expected["image"] == batch["image"])[same].all()
            assert (expected["weight"] == batch["weight"])[~hit].all()
            assert (expected["label"] == batch["label"]).all()


@pytest.mark.parametrize(("rows", "size"), [(10, 4), (8, 4), (3, 8), (1, 1), (0, 4)])
def test_evaluation_shows_each_row_once_in_order(examples_of, contents, rows, size):
    examples = examples_of(contents[:rows])
    batches = list(pipeline.evaluation(examples, Batching(size, SIZE)).as_numpy_iterator())
    assert len(batches) == -(-rows // size)
    shown = [i for batch in batches for i in batch["index"] if i >= 0]
    assert shown == list(range(rows))
    for batch in batches:
        assert (batch["weight"] == (batch["index"] >= 0)).all()
        assert len(batch["image"]) == size
        for index, label, image in zip(batch["index"], batch["label"], batch["image"], strict=True):
            if index < 0:
                assert not image.any()
            else:
                assert label == examples.labels[index]
                expected = transforms.decode_for_evaluation(contents[index], SIZE)
                assert (image == expected.numpy()).all()


def test_evaluation_can_be_repeated_and_cut_for_workers(examples_of, contents):
    examples = examples_of(contents)
    whole = pipeline.evaluation(examples, Batching(4, SIZE))
    first = list(whole.as_numpy_iterator())
    assert equal(first, list(whole.as_numpy_iterator()))
    parts = [
        pipeline.evaluation(examples, Batching(4, SIZE, worker, 2)).as_numpy_iterator()
        for worker in range(2)
    ]
    joined = [
        {key: np.concatenate([a[key], b[key]]) for key in a} for a, b in zip(*parts, strict=True)
    ]
    assert equal(first, joined)
