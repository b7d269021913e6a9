"""Builds with a real, tiny detector: it finds the bright rectangle of a dark picture."""

import json
import pickle
import re
import shutil

import numpy as np
import pytest

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.slow

ONE = ("--test_fraction", 0)


def keys(built):
    return [image["original_key"] for image in built.json("train.json")["images"]]


def filled(world, number=10):
    for i in range(number):
        world.picture(world.add(i, location="A"), 96, 64, seed=i)
    return world


@pytest.mark.parametrize("kind", ["frozen_graph", "saved_model", "tf_vision_model"])
def test_every_kind_of_detector_leads_to_the_same_crops(world, kind, request):
    built = filled(world).run(*ONE, detector=request.getfixturevalue(kind), detections=False)
    assert built.status == 0
    assert keys(built) == list(range(10))
    crop = built.crop("red fox/A/3.jpg")
    # The rectangle is 48 x 32 at (24, 16); the square of side 81 is cut off above and below.
    assert crop.shape[0] == 64
    assert abs(crop.shape[1] - 81) <= 3  # TF-Vision sees a third of the pixels
    assert built.coco.joinpath("detections_final.pkl").exists()


def test_final_detections_of_a_detector_rebuild_the_same_dataset(world, frozen_graph):
    first = filled(world).run(*ONE, detector=frozen_graph, detections=False)
    for suffix in ("pkl", "json"):
        made = first.coco / f"detections_final.{suffix}"
        again = world.run(
            *ONE, "--use_detection_file", made, name=suffix, detections=False
        ).contents()
        for name, content in first.contents().items():
            if not name.endswith("detections_final.json"):  # names another maker
                assert again[name] == content, name


def test_the_pickle_is_the_originals(world, frozen_graph):
    built = filled(world, 3).run(*ONE, detector=frozen_graph, detections=False)
    table = pickle.loads((built.coco / "detections_final.pkl").read_bytes())
    assert list(table) == [0, 1, 2]
    assert table[0]["detection_boxes"].dtype == np.float32
    assert table[0]["detection_classes"].dtype == np.uint8


def test_images_that_the_file_lacks_or_calls_failures_are_detected(world, frozen_graph):
    filled(world, 4)
    words = world.words(*ONE, detector=frozen_graph)
    path = world.folder / "md.json"
    table = json.loads(path.read_text(encoding="utf-8"))
    table["images"][0]["detections"][0]["conf"] = 0.2  # known, and not enough
    table["images"][1] = {"file": "A/1.jpg", "failure": "image access failure"}
    del table["images"][2]
    path.write_text(json.dumps(table), encoding="utf-8")
    from database_tools import make_classification_dataset

    assert make_classification_dataset.main(words) == 0
    train = json.loads((world.folder / "out/c/train.json").read_text(encoding="utf-8"))
    assert [image["original_key"] for image in train["images"]] == [1, 2, 3]
    made = (world.folder / "out/c/detections_final.pkl").read_bytes()
    assert list(pickle.loads(made)) == [0, 1, 2, 3]


def test_pictures_that_cannot_be_read_do_not_stop_the_detector(world, frozen_graph):
    filled(world, 4)
    world.add(4)
    world.add(5).write_bytes(b"no picture")
    built = world.run(*ONE, detector=frozen_graph, detections=False)
    assert keys(built) == [0, 1, 2, 3]
    assert built.dropped() == {"missing": ["A/4.jpg"], "not an image": ["A/5.jpg"]}


def test_a_picture_that_comes_later_is_detected_then(world, frozen_graph):
    filled(world, 4)
    path = world.add(4)
    assert keys(world.run(*ONE, detector=frozen_graph, detections=False)) == [0, 1, 2, 3]
    world.picture(path, 96, 64, seed=4)
    built = world.run(*ONE, detector=frozen_graph, detections=False)
    assert keys(built) == [0, 1, 2, 3, 4]
    fresh = world.run(*ONE, detector=frozen_graph, detections=False, name="fresh")
    assert built.contents() == fresh.contents()


def test_other_parameters_do_not_detect_again(world, frozen_graph):
    filled(world, 4).run(*ONE, detector=frozen_graph, detections=False)
    [log] = (world.folder / "out/c/.build").glob("detections_*.log")
    before = log.read_bytes()
    world.run(*ONE, "--padding_factor", 1.2, detector=frozen_graph, detections=False)
    assert log.read_bytes() == before  # a group that is detected again is appended again


def detected(capsys):
    """How many pictures a run asked the detector for."""
    said = capsys.readouterr().err
    return int(said.partition(" images are to be detected")[0].rpartition(" of ")[0].split()[-1])


def test_the_store_knows_pictures_whatever_is_built_of_them(world, frozen_graph, capsys):
    flags = (*ONE, "--detection_store", world.folder / "store")
    options = {"detector": frozen_graph, "detections": False}
    filled(world, 10).run(*flags, **options)
    assert detected(capsys) == 10
    world.picture(world.add(10, location="A"), 96, 64, seed=11)
    world.label(3, 4)  # a hare too, so it is left out
    assert world.run(*flags, name="more", **options).status == 0
    assert detected(capsys) == 1
    world.run(*flags, "--exclude_categories", "hare", name="fewer", **options)
    assert detected(capsys) == 0
    shutil.copytree(world.images, world.folder / "moved", copy_function=shutil.copyfile)
    shutil.rmtree(world.images)
    world.images = world.folder / "moved"
    assert world.run(*flags, name="moved", **options).status == 0
    assert detected(capsys) == 0
    assert list((world.folder / "store").glob("detections_*.log"))
    assert not list((world.folder / "more/c/.build").glob("detections_*.log"))
    for name in ("train.json", "detections_final.pkl"):
        moved, before = (world.folder / run / "c" / name for run in ("moved", "more"))
        assert moved.read_bytes() == before.read_bytes()


@pytest.mark.parametrize(
    ("number", "said"), [(90.0, "conf 90 .* percent"), (float("nan"), "gives NaN or infinity")]
)
def test_a_detector_whose_numbers_are_none_stops_the_run(
    world, makers, tmp_path, capsys, number, said
):
    def wrong(pictures):
        import tensorflow as tf

        one = tf.ones([tf.shape(pictures)[0], 1])
        tf.stack([0 * one, 0 * one, one, one], 2, "detection_boxes")
        tf.identity(number * one, "detection_scores")
        tf.identity(one, "detection_classes")
        tf.identity(one[:, 0], "num_detections")

    graph = makers.freeze(tmp_path / "wrong.pb", wrong)
    assert filled(world, 3).run(*ONE, detector=graph, detections=False).status == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert re.search(f"error: wrong.pb: .*{said}", line)
    assert not (world.folder / "out/c/train.json").exists()


def test_a_hundred_pictures_of_other_classes_stop_the_run_while_it_detects(
    world, makers, tmp_path, capsys
):
    def people(pictures):
        import tensorflow as tf

        one = tf.ones([tf.shape(pictures)[0], 1])
        tf.stack([one, one, 2 * one, 2 * one], 2, "detection_boxes")
        tf.identity(one, "detection_scores")
        tf.identity(2 * one, "detection_classes")
        tf.identity(one[:, 0], "num_detections")

    graph = makers.freeze(tmp_path / "people.pb", people)
    for i in range(130):
        world.picture(world.add(i), 16, 16, seed=i)
    assert world.run(*ONE, detector=graph, detections=False).status == 2
    assert "--detection_category 2" in capsys.readouterr().err
    assert not (world.folder / "out/c/train.json").exists()
    built = world.run(*ONE, "--detection_category", 2, detector=graph, detections=False)
    assert built.status == 0


@pytest.mark.parametrize("content", [b"", b"not a graph"])
def test_a_wrong_graph_is_told_before_the_first_picture(world, tmp_path, capsys, content):
    path = tmp_path / "wrong.pb"
    path.write_bytes(content)
    assert filled(world, 2).run(*ONE, detector=path, detections=False).status == 2
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("make_classification_dataset.py: error: ")
    assert "wrong.pb" in line
