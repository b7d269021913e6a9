import numpy as np
import pytest

from database_tools import detectors
from database_tools.core.detections import Failure
from database_tools.core.errors import UserError

tf = pytest.importorskip("tensorflow")


def picture(height, width, box, red=255):
    """A dark picture with a bright rectangle at (top, left, bottom, right) pixels."""
    pixels = np.full((height, width, 3), 20, np.uint8)
    top, left, bottom, right = box
    pixels[top:bottom, left:right] = (red, 200, 200)
    return pixels


PICTURES = [
    picture(100, 200, (20, 40, 60, 160)),
    picture(200, 100, (0, 0, 100, 50), red=51),
    picture(100, 200, (50, 100, 100, 200)),
    picture(64, 64, (16, 16, 32, 48)),
    picture(100, 200, (10, 10, 30, 30), red=102),
]
# The same boxes relative to their pictures, by hand.
CORNERS = [
    (0.2, 0.2, 0.6, 0.8),
    (0, 0, 0.5, 0.5),
    (0.5, 0.5, 1, 1),
    (0.25, 0.25, 0.5, 0.75),
    (0.1, 0.05, 0.3, 0.15),
]
SCORES = [1, 0.2, 1, 1, 0.4]


def check(detector, tolerance):
    detector.check()
    found = detector.detect(PICTURES)
    for one, corners, score in zip(found, CORNERS, SCORES, strict=True):
        assert one.categories == ("1",)  # num_detections is 1
        assert one.corners()[0] == pytest.approx(corners, abs=tolerance)
        assert one.scores[0] == pytest.approx(score, abs=tolerance)


@pytest.mark.parametrize("batch_size", [1, 2, 8])
def test_frozen_graph_finds_boxes_in_pictures_of_any_size(frozen_graph, batch_size):
    detector = detectors.open(frozen_graph, batch_size)
    assert detector.batch_size == batch_size
    assert detector.name == "tiny.pb"
    check(detector, 1e-6)


def test_saved_model_of_the_object_detection_api(saved_model):
    check(detectors.open(saved_model), 1e-6)
    assert detectors.open(saved_model / "saved_model.pb").name == "tiny"


def test_saved_model_of_tf_vision_gives_boxes_of_the_whole_picture(tf_vision_model):
    # A model of 64 pixels sees a 200 x 100 picture at a third: one of its pixels is 0.03.
    check(detectors.open(tf_vision_model), 0.035)


def test_one_list_gives_the_same_bytes_again(frozen_graph):
    detector = detectors.open(frozen_graph, 2)
    first, again = detector.detect(PICTURES), detector.detect(PICTURES)
    assert [a.boxes.tobytes() for a in first] == [b.boxes.tobytes() for b in again]


def test_graph_for_one_picture_is_asked_one_at_a_time(tmp_path, makers):
    path = makers.freeze(tmp_path / "one.pb", makers.object_detection_api, (1, None, None, 3))
    detector = detectors.open(path)
    assert detector.batch_size == 1
    check(detector, 1e-6)


def test_graph_without_num_detections_counts_all_rows(tmp_path, makers):
    def all_rows(pictures):
        ones = tf.ones_like(tf.cast(pictures[:, :2, 0, 0], tf.float32))
        tf.identity(tf.tile(ones[..., None], [1, 1, 4]), "detection_boxes")
        tf.identity(ones, "detection_scores")
        tf.identity(ones, "detection_classes")

    detector = detectors.open(makers.freeze(tmp_path / "all.pb", all_rows))
    assert len(detector.detect(PICTURES[:1])[0]) == 2


def test_loops_and_conditions_of_tensorflow_1_run(tmp_path, makers):
    """MegaDetector's graphs have them: Enter, Switch, TensorArrayV3, where v2 has While and If."""

    def looping(pictures):
        small = tf.map_fn(
            lambda picture: tf.image.resize(tf.cast(picture, tf.float32), [64, 64], "nearest"),
            pictures,
            fn_output_signature=tf.float32,
        )
        dark = tf.reduce_max(small) < 0
        makers.object_detection_api(tf.compat.v1.cond(dark, lambda: small * 0, lambda: small))

    tf.compat.v1.disable_control_flow_v2()
    try:
        path = makers.freeze(tmp_path / "v1.pb", looping)
    finally:
        tf.compat.v1.enable_control_flow_v2()
    assert b"TensorArrayGatherV3" in path.read_bytes()
    assert b"NextIteration" in path.read_bytes()
    detector = detectors.open(path)
    assert detector.batch_size > 1
    check(detector, 1.5 / 64)


def test_fingerprint_is_of_the_content_and_the_batch_size(frozen_graph, tmp_path, makers):
    copy = tmp_path / "copy.pb"
    copy.write_bytes(frozen_graph.read_bytes())
    prints = {
        detectors.open(path, size).fingerprint
        for path, size in [(frozen_graph, 8), (copy, 8), (frozen_graph, 4)]
    }
    assert len(prints) == 2
    one, other = (
        makers.save(tmp_path / name, makers.object_detection_api, name=name) for name in "ab"
    )
    assert detectors.open(one).fingerprint != detectors.open(other).fingerprint


def test_label_map_beside_the_graph_names_the_classes(frozen_graph, tmp_path):
    path = tmp_path / "tiny.pb"
    path.write_bytes(frozen_graph.read_bytes())
    assert detectors.open(path).categories is None
    (tmp_path / "label_map.pbtxt").write_text("item {name: 'deer' id: 1}")
    assert detectors.open(path).categories == {"1": "deer"}
    (tmp_path / "tiny_label_map.pbtxt").write_text("item {name: 'animal' id: 1}")
    assert detectors.open(path).categories == {"1": "animal"}


def test_batch_that_fails_is_tried_one_by_one(tmp_path, makers):
    def fussy(pictures):
        small = tf.debugging.assert_less(tf.shape(pictures)[0], 2, "out of memory")
        red = tf.reduce_max(pictures[..., 0])
        with tf.control_dependencies(
            [small, tf.debugging.assert_greater(red, tf.cast(60, red.dtype))]
        ):
            return makers.object_detection_api(tf.identity(pictures))

    found = detectors.open(makers.freeze(tmp_path / "fussy.pb", fussy)).detect(PICTURES)
    assert [isinstance(one, Failure) for one in found] == [False, True, False, False, False]
    assert found[1].reason == "inference failure"


def classifier(pictures):
    tf.nn.softmax(tf.reduce_mean(tf.cast(pictures, tf.float32), [1, 2]), name="output")


def test_classifiers_frozen_graph_says_what_it_has(tmp_path, makers):
    path = makers.freeze(tmp_path / "c.pb", classifier, (None, None, 3), "input", "float32")
    with pytest.raises(UserError) as caught:
        detectors.open(path)
    assert str(caught.value) == (
        f'{path}: not a detector: no tensor "image_tensor:0"; '
        'its inputs are "input", its outputs "output"'
    )


def test_classifiers_saved_model_says_what_it_has(tmp_path, makers):
    def probabilities(pictures):
        return {"probabilities": tf.reduce_mean(tf.cast(pictures, tf.float32), [1, 2])}

    folder = makers.save(tmp_path / "c", probabilities)
    with pytest.raises(UserError, match='no output "detection_boxes"; its outputs: "probabilit'):
        detectors.open(folder)


@pytest.mark.parametrize(
    ("shape", "dtype", "said"),
    [
        ((None, None, None, 3), "float32", r"its input is float32 \(\?, \?, \?, 3\), expected"),
        ((None, None, None, 1), "uint8", r"its input is uint8 \(\?, \?, \?, 1\), expected"),
        ((4, None, None, 3), "uint8", "takes batches of exactly 4 pictures"),
    ],
)
def test_input_that_takes_no_pictures_is_described(tmp_path, makers, shape, dtype, said):
    path = makers.freeze(tmp_path / "odd.pb", makers.object_detection_api, shape, dtype=dtype)
    with pytest.raises(UserError, match=said):
        detectors.open(path)


def test_encoded_pictures_are_not_what_we_give(tmp_path, makers):
    def of_text(texts):
        return makers.object_detection_api(tf.zeros([tf.size(texts), 8, 8, 3], tf.uint8))

    folder = makers.save(tmp_path / "m", of_text, shape=(None,), dtype="string")
    with pytest.raises(UserError, match=r"its input is string \(\?\), expected pictures"):
        detectors.open(folder)


def test_graph_whose_arrays_have_other_shapes_fails_the_check(tmp_path, makers):
    def flat(pictures):
        for name in ("detection_boxes", "detection_scores", "detection_classes"):
            tf.reduce_mean(tf.cast(pictures, tf.float32), [1, 2, 3], name=name)

    detector = detectors.open(makers.freeze(tmp_path / "flat.pb", flat))
    with pytest.raises(UserError, match=r"flat.pb: expected \(B, N, 4\)"):
        detector.check()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("none.pb", None, "no such detector"),
        ("empty.pb", b"", "the file is empty"),
        ("text.pb", b"node { name: 'x' }" * 9, "not a frozen graph"),
        ("zeros.pb", bytes(100), "not a frozen graph"),
        ("picture.pb", b"\xff\xd8\xff\xe0" + bytes(range(256)), "not a frozen graph"),
        ("nothing.pb", b"\x22\x02\x08\x16", "not a frozen graph: it has no operation"),
        ("md_v5a.0.0.pt", b"PK", "export it to ONNX, .* --use_detection_file"),
        ("folder", "folder", "no saved_model.pb in this folder"),
        ("folder", b"broken", "this SavedModel cannot be loaded"),
    ],
)
def test_what_is_no_detector_is_said_in_one_line(tmp_path, name, content, said):
    path = tmp_path / name
    if name == "folder":
        path.mkdir()
        if content != "folder":
            (path / "saved_model.pb").write_bytes(content)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=said) as caught:
        detectors.open(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
