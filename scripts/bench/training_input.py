"""The training input against the same steps in Pillow, and against a network's training step.

    python scripts/bench/training_input.py
    python scripts/bench/training_input.py --pixels 800 --rounds 10
    python scripts/bench/training_input.py --network efficientnet-b0

All sides read the same JPEG files with one thread and end in batches of float32; rounds take
turns, and the best of each side counts, because other work on the machine only ever slows down.
"""

from __future__ import annotations

import argparse
import io
import math
import os
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
import tensorflow as tf
from PIL import Image, ImageEnhance

from database_tools.core.sampling import EpochPlan, Sampling
from tf_classification.data import pipeline
from tf_classification.data.augmentation import Augmentation
from tf_classification.data.batching import Batching
from tf_classification.data.examples import Examples
from tf_classification.data.readers import FileReader

SIZE, BATCH, CROPS = 224, 16, 160


def write_crops(folder: Path, pixels: int) -> list[str]:
    """Write JPEGs with detail at all scales, about ``pixels`` a side, as crops of animals have."""
    rng = np.random.default_rng(0)
    names = []
    for i in range(CROPS):
        height, width = (int(pixels * side) for side in rng.uniform(0.8, 1.2, 2))
        image = np.zeros((height, width, 3))
        for cell in (4, 16, 64):
            coarse = rng.integers(0, 80, (height // cell + 1, width // cell + 1, 3), np.uint8)
            grown = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            image += np.asarray(grown, float)
        names.append(f"{i}.jpg")
        picture = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
        picture.save(folder / names[-1], quality=80)
    return names


def change_by_pillow(content: bytes) -> np.ndarray:
    """Do what the README's PyTorch script does, as torchvision does it with Pillow."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    width, height = image.size
    w, h, left, top = *image.size, 0, 0
    for _ in range(10):
        area = width * height * random.uniform(0.08, 1)
        ratio = math.exp(random.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, top = random.randint(0, width - w), random.randint(0, height - h)
            break
    image = image.crop((left, top, left + w, top + h))
    image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    image = image.rotate(random.uniform(-90, 90), Image.Resampling.NEAREST)
    if random.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if random.random() < 0.1:
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    if random.random() < 0.1:
        image = image.convert("L").convert("RGB")
    jitter = [ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color]
    random.shuffle(jitter)
    for enhance in jitter:
        image = enhance(image).enhance(random.uniform(0.75, 1.25))
    return np.asarray(image, np.float32)


def by_pillow(folder: Path, names: list[str]) -> None:
    """Make batches of all crops."""
    for start in range(0, len(names), BATCH):
        part = names[start : start + BATCH]
        np.stack([change_by_pillow((folder / name).read_bytes()) for name in part])


def by_pipeline(folder: Path, names: list[str], rounds: int) -> Callable[[], None]:
    """Return what makes batches of all crops by our input, once for each call."""
    number = len(names)
    keys = np.array(names, np.dtypes.StringDType())
    zeros = np.zeros(number, np.int32)
    examples = Examples(keys, zeros, zeros, np.ones(number, np.float32), FileReader(folder, keys))
    plan = EpochPlan(zeros, Sampling(seed=1))
    batching = Batching(BATCH, SIZE, threads=1)
    batches = pipeline.training(
        examples, plan, batching, Augmentation(), num_labels=1, epochs=rounds
    )
    iterator = iter(batches)

    def run() -> None:
        for _ in range(number // BATCH):
            next(iterator)
        # What is prepared ahead belongs to this side, not to the one that is timed next.
        time.sleep(1)

    return run


def cpu_seconds(work: Callable[[], None]) -> float:
    """Return the CPU time of the whole process while ``work`` runs."""
    start = time.process_time()
    work()
    return time.process_time() - start


def network_step(name: str) -> Callable[[], None]:
    """Return one training step of a network on a batch, traced already."""
    import keras

    from tf_classification.models import networks

    model = networks.build(name, 170)
    optimizer = keras.optimizers.SGD(0.01)
    size = model.input_shape[1]
    images = tf.random.uniform((BATCH, size, size, 3), 0, 255)
    labels = tf.zeros(BATCH, tf.int32)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step() -> None:
        with tf.GradientTape() as tape:
            value = loss(labels, model(images, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    step()
    return step


def main() -> None:
    """Print milliseconds of CPU for a picture, and ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pixels", type=int, default=300, help="mean side of the crops")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--network", help="also time a training step of this network")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = write_crops(folder, options.pixels)
        ours = by_pipeline(folder, names, options.rounds + 2)
        ours()  # the first round traces, and fills what is prepared ahead
        by_pillow(folder, names)
        pairs = [
            (cpu_seconds(ours), cpu_seconds(lambda: by_pillow(folder, names)))
            for _ in range(options.rounds)
        ]
    milliseconds = 1000 / CROPS
    input_ms, pillow_ms = (min(side) * milliseconds for side in zip(*pairs, strict=True))
    print(f"tf.data {input_ms:.2f}, Pillow {pillow_ms:.2f} ms a picture")
    ratios = sorted(pillow / ours for ours, pillow in pairs)
    print(
        f"pictures per CPU second, tf.data over Pillow: best {pillow_ms / input_ms:.2f}, "
        f"median of rounds {ratios[len(ratios) // 2]:.2f}, {ratios[0]:.2f} to {ratios[-1]:.2f}"
    )
    if options.network:
        step = network_step(options.network)
        step_ms = min(cpu_seconds(step) for _ in range(4)) * 1000 / BATCH
        print(f"{options.network}: {step_ms:.1f} ms a picture, {step_ms / input_ms:.0f} x input")


if __name__ == "__main__":
    main()
