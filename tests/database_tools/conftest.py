"""Tiny real detectors, which find the one bright rectangle of a dark picture; and pictures."""

import os

import numpy as np
import pytest
from PIL import Image

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

MODEL_SIDE = 64


def bright_rectangle(pictures):
    """Corners (B, 4) in pixels of what is brighter than 127; the score is its red value."""
    import tensorflow as tf

    bright = tf.cast(tf.reduce_max(pictures, 3) > 127, tf.float32)
    sides = []
    for axis in (2, 1):  # rows, then columns
        hit = tf.reduce_max(bright, axis)
        last = tf.shape(hit)[1] - tf.argmax(hit[:, ::-1], 1, tf.int32)
        sides.append((tf.argmax(hit, 1, tf.int32), last))
    corners = tf.stack([sides[0][0], sides[1][0], sides[0][1], sides[1][1]], 1)
    score = tf.reduce_max(tf.cast(pictures[..., 0], tf.float32), [1, 2]) / 255
    return tf.cast(corners, tf.float32), score


def object_detection_api(pictures):
    """As the Object Detection API: relative corners, floats, a second row that does not count."""
    import tensorflow as tf

    corners, score = bright_rectangle(pictures)
    size = tf.cast(tf.tile(tf.shape(pictures)[1:3], [2]), tf.float32)
    boxes = tf.stack([corners / size, tf.zeros_like(corners)], 1)
    ones = tf.ones_like(score)
    return {
        "detection_boxes": tf.identity(boxes, "detection_boxes"),
        "detection_scores": tf.stack([score, ones], 1, "detection_scores"),
        "detection_classes": tf.stack([ones, 2 * ones], 1, "detection_classes"),
        "num_detections": tf.identity(ones, "num_detections"),
    }


def tf_vision(pictures):
    """As TF-Vision: pixels of the resized and padded picture, integers, ``image_info``."""
    import tensorflow as tf

    size = tf.cast(tf.shape(pictures)[1:3], tf.float32)
    scaled = tf.round(size * MODEL_SIDE / tf.reduce_max(size))
    small = tf.image.resize(tf.cast(pictures, tf.float32), tf.cast(scaled, tf.int32))
    padded = tf.image.pad_to_bounding_box(small, 0, 0, MODEL_SIDE, MODEL_SIDE)
    corners, score = bright_rectangle(padded)
    model = tf.fill([2], float(MODEL_SIDE))
    info = tf.stack([size, model, scaled / size, tf.zeros(2)])
    ones = tf.ones_like(score, tf.int32)
    return {
        "detection_boxes": tf.stack([corners, corners], 1),
        "detection_scores": tf.stack([score, score / 2], 1),
        "detection_classes": tf.stack([ones, 3 * ones], 1),
        "num_detections": ones,
        "image_info": tf.tile(info[None], [tf.shape(pictures)[0], 1, 1]),
    }


def freeze(path, find, shape=(None, None, None, 3), name="image_tensor", dtype="uint8"):
    """Write a frozen graph; ``find`` maps the input to tensors that it names."""
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        find(tf.compat.v1.placeholder(dtype, shape, name=name))
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def save(folder, find, name="input_tensor", shape=(None, None, None, 3), dtype="uint8"):
    """Write a SavedModel with a variable, so that its variables are tested too."""
    import tensorflow as tf

    model = tf.Module()
    model.one = tf.Variable(1.0)

    def serve(pictures):
        outputs = find(pictures)
        outputs = {k: tf.identity(v, k) for k, v in outputs.items()}
        if "detection_scores" in outputs:
            outputs["detection_scores"] *= model.one
        return outputs

    spec = tf.TensorSpec(shape, dtype, name)
    tf.saved_model.save(model, str(folder), {"serving_default": tf.function(serve, [spec])})
    return folder


class Makers:
    """The functions above, for tests; importlib mode has no place to import them from."""

    freeze = staticmethod(freeze)
    save = staticmethod(save)
    object_detection_api = staticmethod(object_detection_api)
    tf_vision = staticmethod(tf_vision)


@pytest.fixture(scope="session")
def makers():
    return Makers


@pytest.fixture(scope="session")
def frozen_graph(tmp_path_factory):
    return freeze(tmp_path_factory.mktemp("frozen") / "tiny.pb", object_detection_api)


@pytest.fixture(scope="session")
def saved_model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("saved") / "tiny", object_detection_api)


@pytest.fixture(scope="session")
def tf_vision_model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("vision") / "tiny", tf_vision, name="inputs")


@pytest.fixture(scope="session")
def scene():
    """Makes a picture, RGB, with large and small things in it, as no two are; by a seed."""

    def make(seed, size=(180, 150)):
        rng = np.random.default_rng(seed)
        coarse = (rng.integers(0, 256, (n, n, 3), np.uint8) for n in (3, 7, 16))
        layers = [np.asarray(Image.fromarray(x).resize(size, Image.BICUBIC), float) for x in coarse]
        return Image.fromarray(np.average(layers, axis=0, weights=(3, 2, 1)).astype(np.uint8))

    return make
