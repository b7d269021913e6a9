"""An animal in a whole picture gets the answer that its crop in a dataset gets from the server."""

from __future__ import annotations

import json
from typing import ClassVar

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from database_tools import imaging, make_classification_dataset, make_demo_dataset
from database_tools.core import boxes as box_rows
from database_tools.core.crop_recipe import CropRecipe, Geometry
from database_tools.core.detections import Detections
from database_tools.core.names import PICTURE_ENDINGS
from database_tools.formats import crops_coco, crops_info, dataset_info
from slim_legacy import detect_and_predict_image
from slim_legacy.inference import detect_and_predict
from slim_legacy.inference.detect_and_predict import DEFAULT_RECIPE, Drawing
from tf_classification import predictor
from tf_classification.models import bundle, networks
from tf_classification.models.description import Description
from tf_classification.predictor import recipes

LABELS = ("elk", "fox", "hare")
FLAGS = "--images=60 --locations=6 --size=160x120 --workers=1 --classification-dataset"


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo world with its crops, and the 2019 dataset of those pictures with one box."""
    folder = tmp_path_factory.mktemp("demo")
    assert make_demo_dataset.main([str(folder), *FLAGS.split()]) == 0
    table = json.loads((folder / "boxes.json").read_text(encoding="utf-8"))
    boxes = {image["file_name"]: relative_boxes(table, image) for image in table["images"]}
    images = [
        {"file": name, "detections": [detection(box) for box in rows]}
        for name, rows in boxes.items()
    ]
    info = {"format_version": "1.5", "detector": "by hand"}
    found = {"images": images, "detection_categories": {"1": "animal"}, "info": info}
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")
    words = [folder / "image_level.json", folder / "images", "-", "--workers", 1]
    words += ["--use_detection_file", folder / "found.json", "--padding_factor", 1.3]
    words += ["--coco_style_output", folder / "coco"]
    assert make_classification_dataset.main([str(word) for word in words]) == 0
    return folder, boxes


def relative_boxes(table, image):
    pixels = [b["bbox"] for b in table["annotations"] if b["image_id"] == image["id"]]
    rows = np.array(pixels, float).reshape(-1, 4) + 0.5  # as the demo's crops are cut
    return box_rows.from_pixels(rows, image["width"], image["height"])


def detection(box):
    return {"category": "1", "conf": 0.9, "bbox": box.tolist()}


def demo_crops(folder, boxes):
    """Yield picture, boxes and the crops' files of the demo's own dataset."""
    for name, rows in boxes.items():
        crops = sorted((folder / "crops" / "demo").glob(f"{name}___crop*"))
        if crops:
            yield name, rows, crops


def coco_crops(folder, boxes):
    """Yield the same of the 2019 dataset, where a picture has one crop."""
    for split in ("train", "test"):
        for file in crops_coco.read(folder / "coco" / f"{split}.json").files:
            name = next(name for name in boxes if file.endswith(name.rpartition("/")[2]))
            yield name, boxes[name], [folder / "coco" / file]


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    made = networks.build("demo-cnn", 3, image_size=32)
    kernel, bias = made.get_layer("predictions").get_weights()
    made.get_layer("predictions").set_weights([kernel * 30, bias])
    return made


@pytest.mark.parametrize("kind", ["demo", "2019"])
def test_the_whole_pictures_answer_is_the_served_answer_for_the_datasets_crop(
    kind, demo, network, tmp_path
):
    folder, boxes = demo
    recipe = {
        "demo": lambda: crops_info.read(folder / "crops").recipe,
        "2019": lambda: dataset_info.read(folder / "coco").recipe,
    }[kind]()
    written = bundle.write(
        tmp_path, network, Description(LABELS, "demo-cnn", 32, crop_recipe=recipe)
    )
    serve = tf.saved_model.load(written.path).signatures["serving_default"]
    model = predictor.open(written.path)
    drawing = Drawing(recipe=recipes.choose(model, {}, DEFAULT_RECIPE), names=3)
    asked = []
    for name, rows, crops in {"demo": demo_crops, "2019": coco_crops}[kind](folder, boxes):
        path = folder / "images" / name
        found = detect_and_predict.classify(path, imaging.open_upright(path), rows, model, drawing)
        assert len(found) == len(crops)
        for (_, names), crop in zip(found, crops, strict=True):
            answer = serve(image_bytes=tf.constant([crop.read_bytes()]))["probabilities"][0]
            expected = dict(zip(LABELS, answer.numpy(), strict=True))
            assert dict(names) == pytest.approx(expected, abs=1e-5)
            asked.append(names[0][1])
    assert len(asked) > 10
    assert np.ptp(asked) > 0.01, "the crops must not all look the same"


@pytest.mark.parametrize(
    ("known", "flag", "chosen", "line"),
    [
        (CropRecipe(quality=90), None, CropRecipe(quality=90), ""),
        (
            CropRecipe(quality=90),
            1.6,
            CropRecipe(Geometry.PADDED_WINDOW, 1.6, quality=90),
            "learned from: geometry padded window, not square, padding 1.6, not 1.0",
        ),
        (CropRecipe.of_2019(1.3), 1.3, CropRecipe.of_2019(1.3), ""),
        (None, None, CropRecipe.of_2019(1.6), "does not say how its crops were made: taking"),
        (None, 1.2, CropRecipe.of_2019(1.2), ""),
    ],
)
def test_crops_are_cut_as_the_model_learned_unless_a_flag_says_otherwise(
    known, flag, chosen, line, network, tmp_path, caplog
):
    described = Description(LABELS, "demo-cnn", 32, crop_recipe=known)
    model = predictor.open(bundle.write(tmp_path, network, described).path)
    asked = detect_and_predict.asked_recipe(flag)
    assert recipes.choose(model, asked, DEFAULT_RECIPE) == chosen
    assert [line in said for said in caplog.messages] == [True] * bool(line)


@pytest.mark.parametrize("padding", ["0.9", "nan", "inf"])
def test_a_wrong_padding_is_named(padding, capsys):
    words = ["/no/detector", "/no/classifier", "--image_file=x", f"--padding_factor={padding}"]
    assert detect_and_predict_image.main(words) == 2
    assert "--padding_factor must be a finite number of at least 1" in capsys.readouterr().err


class Nothing:
    """A detector that finds nothing."""

    categories: ClassVar[dict[str, str]] = {"1": "animal"}

    def detect(self, pictures):
        return [Detections(np.zeros((0, 4)), np.zeros(0), ())] * len(pictures)


def test_every_kind_of_picture_is_drawn_into_a_file_that_is_what_its_name_says(tmp_path):
    for ending in PICTURE_ENDINGS:
        Image.new("RGB", (20, 10)).save(tmp_path / f"a{ending}")
    for _ in range(2):  # what was drawn is not drawn again
        found = detect_and_predict.pictures(tmp_path, recursive=True)
        written = detect_and_predict.run(Nothing(), None, found, Drawing())
    assert sorted(path.name for path in written) == [
        *("a.bmp_detections.jpg", "a.gif_detections.jpg", "a.tif_detections.jpg"),
        *("a.tiff_detections.jpg", "a.webp_detections.jpg"),
        *("a_detections.jpeg", "a_detections.jpg", "a_detections.png"),
    ]
    for path in written:
        with Image.open(path) as picture:
            assert (picture.format == "PNG") == (path.suffix == ".png")
            assert picture.format in {"PNG", "JPEG"}
    assert len(list(tmp_path.iterdir())) == 2 * len(PICTURE_ENDINGS)
