r"""Train a small TF-Vision RetinaNet on pictures with boxes and export it as a detector.

    python database_tools/make_demo_dataset.py world --images 1400 --locations 48
    python scripts/export_garden_detector.py world/boxes.json world/images detector

Every command that takes a detector takes the folder ``detector``.  This script needs the extra
``[garden]``, in an environment of its own, because tf-models-official holds TensorFlow at 2.20;
reading what it exports needs neither.  Run again after a kill, it goes on from the last checkpoint.
"""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL.Image import Image as PillowImage

os.environ["TF_USE_LEGACY_KERAS"] = "1"  # as tf-models-official is written for Keras 2

from database_tools import imaging
from database_tools.core.errors import UserError
from database_tools.durable import files
from database_tools.formats import coco_camera_traps, example, label_map, tfrecord
from database_tools.formats.coco_camera_traps import Annotation, Category, Image
from database_tools.imaging import crops

CLASSES = {1: "animal", 2: "person", 3: "vehicle"}

NETWORK = {"type": "mobilenet", "mobilenet": {"model_id": "MobileNetV2", "filter_size_scale": 0.35}}


def write_records(boxes: Path, images: Path, records: Path, classes: Mapping[str, int]) -> int:
    """Write the pictures with their boxes as TF-Vision reads them; return how many there are.

    Args:
        boxes: COCO file; its boxes are in pixels of the displayed picture.
        images: the folder of the pictures.
        records: the TFRecord file.
        classes: category name to a key of CLASSES, where it is not an animal.
    """
    names: dict[object, str] = {}
    pictures: list[Image] = []
    found: dict[object, list[Annotation]] = defaultdict(list)
    for row in coco_camera_traps.rows(boxes):
        if isinstance(row, Category):
            names[row.id] = row.name
        elif isinstance(row, Image):
            pictures.append(row)
        elif row.bbox is not None:
            found[row.image_id].append(row)
    if not found:
        raise UserError(f"{boxes}: no annotation has a bbox")
    written = 0
    with files.replacing(records) as path, tfrecord.Writer(path) as writer:
        for picture in pictures:
            try:
                pixels = imaging.open_upright(images / picture.file_name)
            except imaging.UnreadableImage as error:
                print(f"left out {picture.file_name}: {error}")
                continue
            of_it = [(classes.get(names[a.category_id], 1), a.bbox) for a in found[picture.id]]
            writer.write(_example(str(picture.id), pixels, of_it))
            written += 1
    return written


def _example(picture: str, pixels: PillowImage, boxes: Sequence[tuple[int, Any]]) -> bytes:
    width, height = pixels.size
    corners = np.array([box for _, box in boxes], np.float32).reshape(-1, 4)
    left, top, wide, high = (corners / np.array([width, height, width, height], np.float32)).T
    return example.encode(
        {
            "image/encoded": [crops.encode(pixels, "JPEG", 95) or b""],
            "image/source_id": [picture.encode()],
            "image/height": np.array([height]),
            "image/width": np.array([width]),
            "image/object/bbox/xmin": left,
            "image/object/bbox/ymin": top,
            "image/object/bbox/xmax": left + wide,
            "image/object/bbox/ymax": top + high,
            "image/object/class/label": np.array([number for number, _ in boxes], np.int64),
        }
    )


def experiment(records: Path, size: int, steps: int, batch: int, start: str | None) -> Any:
    """Describe the training to TF-Vision: its own configuration, made small."""
    from official.core import exp_factory
    from official.vision import registry_imports  # noqa: F401 - registers the networks

    described = exp_factory.get_exp_config("retinanet")
    described.override(
        {
            "runtime": {"distribution_strategy": "off", "mixed_precision_dtype": "float32"},
            "task": {
                "init_checkpoint": start,
                "init_checkpoint_modules": "all",
                "annotation_file": None,
                "model": {
                    "num_classes": len(CLASSES) + 1,
                    "input_size": [size, size, 3],
                    "backbone": NETWORK,
                    "decoder": {"type": "fpn", "fpn": {"num_filters": 64}},
                    "head": {"num_convs": 2, "num_filters": 64, "use_separable_conv": True},
                    "norm_activation": {
                        "activation": "relu6",
                        "use_sync_bn": False,
                        "norm_momentum": 0.97,  # a training as short as this one
                    },
                    "detection_generator": {"max_num_detections": 50},
                },
                "train_data": {
                    "input_path": str(records),
                    "global_batch_size": batch,
                    "dtype": "float32",
                    "shuffle_buffer_size": 200,
                    "parser": {"aug_rand_hflip": True, "aug_scale_min": 0.8, "aug_scale_max": 1.25},
                },
            },
            "trainer": {
                "train_steps": steps,
                "steps_per_loop": min(50, steps),
                "summary_interval": min(50, steps),
                "checkpoint_interval": min(50, steps),
                "optimizer_config": {
                    "optimizer": {"type": "adam_experimental"},
                    "learning_rate": {
                        "type": "cosine",
                        "cosine": {"initial_learning_rate": 0.003, "decay_steps": steps},
                    },
                    "warmup": {"type": "linear", "linear": {"warmup_steps": min(50, steps)}},
                },
            },
        },
        is_strict=False,
    )
    return described


def train_and_export(described: Any, work: Path, size: int, output: Path) -> None:
    """Train, with checkpoints in ``work``, and export the network with its label map."""
    import tensorflow as tf
    from official.core import task_factory, train_lib
    from official.vision.serving import export_saved_model_lib

    task = task_factory.get_task(described.task, logging_dir=str(work))
    strategy = tf.distribute.get_strategy()
    train_lib.run_experiment(strategy, task, "train", described, str(work))
    export_saved_model_lib.export_inference_graph(
        "image_tensor",
        None,
        [size, size],
        described,
        str(work),
        str(output),
        save_options=tf.saved_model.SaveOptions(experimental_custom_gradients=False),
    )
    label_map.write(output / "label_map.pbtxt", CLASSES)


def main() -> int:
    """Write the records, train and export."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("boxes", type=Path, help="COCO file with boxes")
    parser.add_argument("images", type=Path, help="folder of its pictures")
    parser.add_argument("output", type=Path, help="folder of the exported SavedModel")
    parser.add_argument("--person_labels", nargs="*", default=["person", "human"])
    parser.add_argument("--vehicle_labels", nargs="*", default=["vehicle", "car"])
    parser.add_argument("--size", type=int, default=256, help="side of the network's input (256)")
    parser.add_argument("--steps", type=int, default=1600, help="(1600)")
    parser.add_argument("--batch_size", type=int, default=8, help="(8)")
    parser.add_argument(
        "--init_checkpoint", help="checkpoint of the same network to start from (random weights)"
    )
    given = parser.parse_args()
    work = given.output.with_name(f"{given.output.name}_training")
    work.mkdir(parents=True, exist_ok=True)
    records = work / "train.tfrecord"
    people = dict.fromkeys(given.person_labels, 2) | dict.fromkeys(given.vehicle_labels, 3)
    if not records.is_file():
        print(f"{write_records(given.boxes, given.images, records, people)} pictures")
    described = experiment(
        records, given.size, given.steps, given.batch_size, given.init_checkpoint
    )
    train_and_export(described, work, given.size, given.output)
    print(f"detector: {given.output}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
