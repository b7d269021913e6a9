"""One process, several, threads of somebody else, a cluster: the same bytes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from database_tools import make_classification_dataset
from database_tools.datasets import classification_dataset
from database_tools.datasets.build_config import BuildConfig
from database_tools.work import units

TWO = [(0.1, 0.1, 0.2, 0.2), (0.5, 0.5, 0.3, 0.3)]
FLAGS = ("--multiple_detections", "all", "--ims_per_record", 7)


@pytest.fixture
def filled(world):
    for i in range(90):
        path = world.add(i, (9, 4)[i % 2], "ABC"[i % 3], TWO if i % 4 == 0 else TWO[:1])
        world.picture(path, 60, 40, seed=i, format=("JPEG", "PNG")[i % 5 == 0])
        if i % 20 == 7:
            path.write_bytes(b"")
    return world


def test_any_executor_that_is_passed_in_gives_the_same_bytes(filled):
    whole = filled.run(*FLAGS).contents()
    annotations, detections = filled.write()
    out = filled.folder / "given"
    config = BuildConfig(
        annotations,
        filled.images,
        "-",
        coco_style_output=out / "c",
        tfrecords_output=out / "t",
        use_detection_file=detections,
        multiple_detections="all",
        ims_per_record=7,
    )
    with ThreadPoolExecutor(3) as threads:
        classification_dataset.build(config, executor=threads)
    assert filled.run(*FLAGS, name="given").contents() == whole


@pytest.mark.parametrize("largest", [1, 2, 1000])
def test_units_of_any_size_give_the_same_bytes(filled, monkeypatch, largest):
    whole = filled.run(*FLAGS).contents()
    monkeypatch.setattr(units, "LARGEST", largest)
    assert filled.run(*FLAGS, name="other").contents() == whole


@pytest.mark.slow
def test_a_cluster_of_two_gives_the_same_bytes(filled, dask_cluster):
    whole = filled.run(*FLAGS).contents()
    scheduler = ("--dask_scheduler", dask_cluster.scheduler_address)
    assert make_classification_dataset.main(filled.words(*FLAGS, *scheduler, name="far")) == 0
    assert filled.run(*FLAGS, name="far").contents() == whole
    assert not [p for p in (filled.folder / "far").rglob("*") if Path(p).name.endswith(".tmp")]
