"""Crops and pictures in an object store get the answers that those on this machine get."""

from __future__ import annotations

import gzip

import pytest

from tf_classification import run_classifier


@pytest.fixture
def store(object_store, monkeypatch, shots):
    address = object_store("s3").fresh(monkeypatch, "answers")
    return object_store.fill(f"{address}/pictures", shots / "pictures")


def run(*words):
    return run_classifier.main([str(word) for word in words])


def test_the_csv_of_crops_and_of_pictures_is_the_same(store, tflite, shots, object_store):
    flags = ("--cache_dir", shots / "cache")
    for name in ("crops", "pictures"):
        far, near = f"{store}-out/{name}.csv.gz", shots / f"{name}.csv.gz"
        where = ([], ["--images-dir"])[name == "pictures"]
        more = ("--detections-json", shots / "detections.json") if where else ()
        assert run(tflite, *where, store, far, *flags, *more) == 0
        assert run(tflite, *where, shots / "pictures", near, *more) == 0
        there = object_store.contents(f"{store}-out")
        assert gzip.decompress(there[f"{name}.csv.gz"]) == gzip.decompress(near.read_bytes())
    # what was fetched once is not fetched again, and lies in the folder that was named
    assert len([p for p in (shots / "cache" / "fetched").iterdir() if p.name[0] != "."]) == 3


@pytest.mark.parametrize(
    ("crops", "said"),
    [
        ("s3://no-such-bucket/x", "s3://no-such-bucket/x: no such folder"),
        ("ftp://x/y", "ftp://...: no such kind of store; there are az, s3, gs"),
        ("s3://a:SECRET@x", "s3://...: credentials stand in the environment, not in an address"),
    ],
)
def test_a_place_that_cannot_be_read_is_one_line(store, tflite, shots, crops, said, capsys):
    try:
        status = run(tflite, crops, shots / "out.csv")
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_model_is_not_taken_from_a_store(shots, capsys):
    assert run("s3://b/model", shots / "pictures", shots / "out.csv") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.endswith("model s3://b/model: only a path of this machine is taken here")
