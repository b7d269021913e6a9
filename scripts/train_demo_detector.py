r"""Train the demo world's detector and write its weights.

    python database_tools/make_demo_dataset.py /tmp/detector_train --images 1400 --locations 48 \
        --first_location 9000 --location_bias 0 --class_imbalance 0.5 --corrupt_files none --seed 9
    python database_tools/make_demo_dataset.py /tmp/detector_val --images 240 --locations 12 \
        --first_location 9500 --corrupt_files none --seed 9
    python scripts/train_demo_detector.py /tmp/detector_train /tmp/detector_val \
        database_tools/demo/detector_weights.npz

The pictures of the demo world decide about these weights: whoever changes how they are drawn trains
anew and looks at ``scripts/bench/demo_detector.py``.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from database_tools.core import boxes as box_arithmetic
from database_tools.demo import detector, network
from database_tools.imaging import loader

ROWS, COLUMNS = network.HEIGHT // network.STRIDE, network.WIDTH // network.STRIDE
Floats = npt.NDArray[np.float32]


def read(folder: Path) -> tuple[npt.NDArray[np.uint8], list[Floats]]:
    """Read pictures in the network's size, and each one's boxes (x, y, w, h) in its pixels."""
    table = json.loads((folder / "boxes.json").read_text(encoding="utf-8"))
    boxes = defaultdict(list)
    for box in table["annotations"]:
        boxes[box["image_id"]].append(box["bbox"])
    pictures, targets = [], []
    for image in table["images"]:
        pixels = loader.load(folder / "images" / image["file_name"])
        size = (network.HEIGHT, network.WIDTH)
        small = tf.image.resize(pixels[None], size, antialias=False)[0]
        pictures.append(np.round(small.numpy()).astype(np.uint8))
        scale = [network.WIDTH / image["width"], network.HEIGHT / image["height"]] * 2
        targets.append(np.array(boxes[image["id"]], np.float32).reshape(-1, 4) * np.float32(scale))
    return np.stack(pictures), targets


def targets_of(boxes: Floats) -> Floats:
    """Make the training target of one picture.

    Returns:
        (32, 40, 6) float32: heat, 1 where edges are to be learned, and the four distances in cells.
    """
    target = np.zeros((ROWS, COLUMNS, 6), np.float32)
    y, x = np.mgrid[:ROWS, :COLUMNS].astype(np.float32) + 0.5
    # The largest first: where animals overlap, the cells belong to the smaller one.
    for left, top, width, height in boxes[np.argsort(-boxes[:, 2] * boxes[:, 3])] / network.STRIDE:
        centre_x, centre_y = left + width / 2, top + height / 2
        spread = (max(0.5, width * 0.1), max(0.5, height * 0.1))
        away = ((x - centre_x) / spread[0]) ** 2 + ((y - centre_y) / spread[1]) ** 2
        heat = np.exp(-away / 2)
        heat[int(min(centre_y, ROWS - 1)), int(min(centre_x, COLUMNS - 1))] = 1
        target[..., 0] = np.maximum(target[..., 0], heat)
        near = heat > 0.4
        edges = np.stack([x - left, y - top, left + width - x, top + height - y], axis=-1)
        target[near, 1] = 1
        target[near, 2:] = np.maximum(edges[near], 0.1)
    return target


def batches(
    pictures: npt.NDArray[np.uint8], boxes: list[Floats], size: int, rng: np.random.Generator
) -> Iterator[tuple[Floats, Floats]]:
    """One epoch of changed pictures: mirrored, shifted, scaled, darker or brighter, some grey."""
    order = rng.permutation(len(pictures))
    for start in range(0, len(order) - size + 1, size):
        pairs = [_changed(pictures[i], boxes[i], rng) for i in order[start : start + size]]
        yield np.stack([p for p, _ in pairs]), np.stack([targets_of(b) for _, b in pairs])


def _changed(
    picture: npt.NDArray[np.uint8], boxes: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    zoom = rng.uniform(0.8, 1.25) * rng.uniform(0.9, 1.1, 2) if rng.random() < 0.5 else np.ones(2)
    boxes, pixels = boxes.copy(), picture
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
        boxes[:, 0] = network.WIDTH - boxes[:, 0] - boxes[:, 2]
    if (zoom != 1).any():
        pixels, boxes = _zoomed(pixels, boxes, zoom, rng)
    values = pixels.astype(np.float32) / 127.5 - 1
    if rng.random() < 0.15:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    return values * np.float32(rng.uniform(0.7, 1.3)) + np.float32(rng.uniform(-0.2, 0.2)), boxes


def _zoomed(
    pixels: npt.NDArray[np.uint8], boxes: Floats, zoom: Floats, rng: np.random.Generator
) -> tuple[npt.NDArray[np.uint8], Floats]:
    """Scale by ``zoom`` (down, across), then cut or fill with black at a random place."""
    from PIL import Image

    height, width = (int(n * z) for n, z in zip(pixels.shape[:2], zoom, strict=True))
    room = np.sort([[network.HEIGHT - height, 0], [network.WIDTH - width, 0]], axis=1)
    top, left = (int(rng.integers(low, high + 1)) for low, high in room)
    scaled = Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)
    canvas = Image.new("RGB", (network.WIDTH, network.HEIGHT))
    canvas.paste(scaled, (left, top))
    corners = box_arithmetic.to_corners(boxes * np.float32([zoom[1], zoom[0]] * 2))
    corners += [top, left, top, left]
    inside = corners.clip(0, [network.HEIGHT, network.WIDTH] * 2)
    area, before = (np.prod(c[:, 2:] - c[:, :2], axis=1) for c in (inside, corners))
    kept = inside[area > 0.4 * before]
    return np.asarray(canvas), box_arithmetic.from_corners(kept).astype(np.float32)


def build() -> keras.Model:
    """Build the network with batch normalization after each convolution but the last ones."""

    def conv(
        name: str,
        x: keras.KerasTensor,
        filters: int,
        kernel: int = 3,
        stride: int = 1,
        *,
        relu: bool = True,
    ) -> keras.KerasTensor:
        layer = keras.layers.Conv2D(
            filters, kernel, stride, "same", use_bias=not relu, name=name,
            kernel_initializer="he_normal" if relu else keras.initializers.RandomNormal(0, 0.01),
            bias_initializer=keras.initializers.Constant(-4.0 if name == "heat" else 1.8),
        )  # fmt: skip
        x = layer(x)
        if not relu:
            return x
        # Keras' default momentum, 0.99, would need more steps than this training has.
        x = keras.layers.BatchNormalization(momentum=0.95, name=f"{name}_norm")(x)
        return keras.layers.ReLU()(x)

    pictures = keras.Input((network.HEIGHT, network.WIDTH, 3))
    return keras.Model(pictures, network.heads(pictures, conv, keras.layers.UpSampling2D(2)))


def loss(target: tf.Tensor, heat: tf.Tensor, edges: tf.Tensor) -> tf.Tensor:
    """Focal loss of the heat (Zhou et al. 2019, equation 1) plus 1 - generalized IoU of boxes."""
    truth, positive, distances = target[..., :1], target[..., 1:2], target[..., 2:]
    probability = tf.sigmoid(heat)
    at_middle = tf.cast(truth > 0.99, tf.float32)
    hit = at_middle * (1 - probability) ** 2 * tf.math.log_sigmoid(heat)
    miss = (1 - at_middle) * (1 - truth) ** 4 * probability**2 * tf.math.log_sigmoid(-heat)
    animals = tf.maximum(tf.reduce_sum(at_middle), 1)
    focal = -tf.reduce_sum(hit + miss) / animals
    overlap = _generalized_iou(distances, tf.exp(tf.clip_by_value(edges, -4, 4)))
    outline = tf.reduce_sum((1 - overlap) * positive[..., 0]) / tf.maximum(
        tf.reduce_sum(positive), 1
    )
    return focal + 2 * outline


def _generalized_iou(first: tf.Tensor, second: tf.Tensor) -> tf.Tensor:
    """Generalized IoU of boxes around one point, (..., 4) distances left, up, right, down."""

    def area(d: tf.Tensor) -> tf.Tensor:
        return (d[..., 0] + d[..., 2]) * (d[..., 1] + d[..., 3])

    shared = area(tf.minimum(first, second))
    union = area(first) + area(second) - shared
    hull = area(tf.maximum(first, second))
    return shared / (union + 1e-6) - (hull - union) / (hull + 1e-6)


def fold(model: keras.Model) -> dict[str, npt.NDArray[np.float16]]:
    """Fold the normalizations into the convolutions; float16 kernels and biases by layer."""
    weights = {}
    for layer in model.layers:
        if not isinstance(layer, keras.layers.Conv2D):
            continue
        kernel = layer.kernel.numpy()
        if layer.use_bias:
            bias = layer.bias.numpy()
        else:
            norm = model.get_layer(f"{layer.name}_norm")
            scale = norm.gamma.numpy() / np.sqrt(norm.moving_variance.numpy() + norm.epsilon)
            kernel, bias = kernel * scale, norm.beta.numpy() - norm.moving_mean.numpy() * scale
        weights[f"{layer.name}/kernel"] = kernel.astype(np.float16)
        weights[f"{layer.name}/bias"] = bias.astype(np.float16)
    return weights


def recall_and_precision(
    weights: dict[str, npt.NDArray[np.float16]],
    pictures: npt.NDArray[np.uint8],
    boxes: list[Floats],
    thresholds: list[float],
) -> list[tuple[float, float]]:
    """Recall and precision at IoU 0.5 of boxes at each threshold of the unshifted score."""

    @tf.function
    def detect(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return detector.detect(images, weights, threshold=0.5)

    found, scores, animals = [], [], sum(len(b) for b in boxes)
    for picture, truth in zip(pictures, boxes, strict=True):
        result = detect(picture[None])
        size = np.array([network.HEIGHT, network.WIDTH] * 2)
        y0, x0, y1, x1 = (result["detection_boxes"][0].numpy() * size).T
        overlaps = box_arithmetic.iou(np.stack([x0, y0, x1 - x0, y1 - y0], axis=1), truth)
        free = np.ones(len(truth), bool)
        for overlap, score in zip(overlaps, result["detection_scores"][0].numpy(), strict=True):
            if score <= 0.05:
                break
            best = int(np.argmax(overlap * free)) if free.any() else 0
            hit = bool(free.any() and overlap[best] >= 0.5)
            free[best : best + 1] &= not hit
            found.append(hit)
            scores.append(score)
    hits, score = np.array(found, bool), np.array(scores)
    return [
        (hits[score >= t].sum() / animals, hits[score >= t].mean() if (score >= t).any() else 0.0)
        for t in thresholds
    ]


def operating_point(weights: dict[str, npt.NDArray[np.float16]], folder: Path) -> float:
    """Find the score at which recall and precision are closest to each other; print the table."""
    pictures, boxes = read(folder)
    thresholds = [round(t, 3) for t in np.arange(0.15, 0.6, 0.025)]
    table = recall_and_precision(weights, pictures, boxes, thresholds)
    for threshold, (recall, precision) in zip(thresholds, table, strict=True):
        print(f"score {threshold:.3f}: recall {recall:.3f} precision {precision:.3f}")
    return max(zip(table, thresholds, strict=True), key=lambda pair: min(pair[0]))[1]


def main() -> None:
    """Train, fold, choose the operating point on the validation pictures, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("train", type=Path, help="demo data set to train on")
    parser.add_argument("validation", type=Path, help="demo data set for the operating point")
    parser.add_argument("weights", type=Path, help=".npz to write")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keras.utils.set_random_seed(args.seed)
    rng = np.random.default_rng(args.seed)
    pictures, boxes = read(args.train)
    model, steps = build(), args.epochs * (len(pictures) // args.batch_size)
    print(f"{model.count_params()} parameters, {steps} steps")
    rate = keras.optimizers.schedules.CosineDecay(
        1e-4, steps, alpha=1e-2, warmup_target=3e-3, warmup_steps=steps // 20
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=1e-3, clipnorm=5.0)

    @tf.function
    def step(x: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            value = loss(target, *model(x, training=True))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(value, variables), variables, strict=True))
        return value

    start = time.process_time()
    for epoch in range(args.epochs):
        losses = [float(step(*batch)) for batch in batches(pictures, boxes, args.batch_size, rng)]
        seconds = time.process_time() - start
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {seconds:.0f} CPU s", flush=True)
    weights = fold(model)
    threshold = np.float16(operating_point(weights, args.validation))
    np.savez_compressed(args.weights, threshold=threshold, **weights)
    print(f"{args.weights}: {args.weights.stat().st_size} bytes, operating point {threshold}")


if __name__ == "__main__":
    main()
