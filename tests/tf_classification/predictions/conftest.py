"""A tiny classifier as a bundle and as a ``.tflite``, and a camera's pictures with detections."""

from __future__ import annotations

import json
from importlib.util import find_spec

import numpy as np
import pytest
from PIL import Image

from database_tools.core.crop_recipe import CropRecipe

LABELS = ("fox", "deer", "hare")
VERSION = "4.1.0"


@pytest.fixture(scope="session")
def network():
    import keras

    from tf_classification.models import networks

    keras.utils.set_random_seed(1)
    made = networks.build("demo-cnn", 3, image_size=32)
    kernel, bias = made.get_layer("predictions").get_weights()
    made.get_layer("predictions").set_weights([kernel * 10, bias])  # crops differ
    return made


@pytest.fixture(scope="session")
def described():
    from tf_classification.models.calibration import Calibration
    from tf_classification.models.description import Description

    recipe = CropRecipe()
    return Description(LABELS, "demo-cnn", 32, crop_recipe=recipe, calibration=Calibration(1.5))


@pytest.fixture(scope="session")
def bundle_dir(network, described, tmp_path_factory):
    from tf_classification.models import bundle

    return bundle.write(tmp_path_factory.mktemp("models") / "demo", network, described).base


@pytest.fixture(scope="session")
def tflite(network, described, tmp_path_factory):
    """A ``.tflite`` with its JSON, as ``export_model.py`` writes them: answers in a moment."""
    if find_spec("ai_edge_litert") is None:
        pytest.skip("ai_edge_litert is not installed")
    from tf_classification.export import litert

    folder = tmp_path_factory.mktemp("exported")
    (folder / "model.tflite").write_bytes(litert.convert(network))
    facts = described.to_json() | {"files": {"litert": "model.tflite"}}
    (folder / "model.json").write_text(json.dumps(facts))
    return folder / "model.tflite"


@pytest.fixture
def shots(tmp_path):
    """Pictures in two folders and what a detector found: boxes, a person, nothing, a failure."""
    rng = np.random.default_rng(0)
    for name in ("b/2.jpg", "a/1.jpg", "a/3.jpg"):
        file = tmp_path / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        rough = rng.integers(0, 256, (12, 16, 3)).astype(np.uint8)
        Image.fromarray(rough).resize((160, 120)).save(file, quality=95)

    def box(category, conf, *bbox):
        return {"category": category, "conf": conf, "bbox": list(bbox)}

    boxes = {
        "b/2.jpg": [box("1", 0.9, 0.1, 0.1, 0.5, 0.4), box("2", 0.9, 0.5, 0.5, 0.2, 0.2)],
        "a/1.jpg": [box("1", 0.1, 0, 0, 1, 1), box("1", 0.2, 0.3, 0.2, 0.29, 0.7)],
        "a/3.jpg": [],
    }
    images = [{"file": name, "detections": found} for name, found in boxes.items()]
    images.append({"file": "a/4.jpg", "failure": "image access failure", "detections": None})
    table = {
        "info": {"detector": f"md_v{VERSION}.pb", "format_version": "1.6"},
        "detection_categories": {"1": "animal", "2": "person"},
        "images": images,
    }
    (tmp_path / "detections.json").write_text(json.dumps(table))
    return tmp_path
