r"""What the training loop costs beside a bare ``tf.function`` step: EfficientNet-B0, batches of 16.

    python scripts/bench/training_step.py [--rounds 8] [--image-size 224]
    python scripts/bench/training_step.py --waits

Both make the same optimisation step on the same pictures, in turns, in one process; the loop's
step also counts the examples and hands out what became of each.  CPU seconds, medians.

--waits counts, in an epoch of the demo network with 100 steps, how often the loop waits for the
results of a step before it has begun the next one, how often the network is traced, and the bytes
of a picture on its way to a device.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_classification.models import networks
from tf_classification.training.loop import Trainer
from tf_classification.training.step import Rules, Step

BATCH, LABELS = 16, 169


def main() -> None:
    """Time both in turns and print the ratio of speeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--image-size", type=int, default=224)
    parser.add_argument("--waits", action="store_true")
    args = parser.parse_args()
    if args.waits:
        print(waits())
        return
    rng = np.random.default_rng(0)
    shape = (BATCH, args.image_size, args.image_size, 3)
    images = rng.integers(0, 256, shape).astype(np.float32)
    labels = rng.integers(0, LABELS, BATCH).astype(np.int32)
    ways = {"bare": bare(images, labels), "loop": loop(images, labels)}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(args.rounds + 1):
        for way, step in ways.items():
            begin = time.process_time()
            step()
            seconds[way].append(time.process_time() - begin)
    medians = {way: statistics.median(times[1:]) for way, times in seconds.items()}  # 0 compiles
    for way, median in medians.items():
        print(f"{way}: {1000 * median / BATCH:.0f} CPU ms per image")
    print(f"speed of the loop over the bare step: {medians['bare'] / medians['loop']:.3f}")


def made(size: int) -> tuple[keras.Model, keras.optimizers.Optimizer]:
    """Build the network and its optimizer, built."""
    model = networks.build("efficientnet-b0", LABELS, image_size=size)
    optimizer = keras.optimizers.RMSprop(1e-4, rho=0.9, momentum=0.9)
    optimizer.build(model.trainable_variables)
    return model, optimizer


def bare(images: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    """Return a step as one would write it by hand for one device."""
    model, optimizer = made(images.shape[1])

    @tf.function
    def step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply(gradients, model.trainable_variables)
        return loss

    pictures, classes = tf.constant(images), tf.constant(labels)
    return lambda: float(step(pictures, classes))


def loop(images: np.ndarray, labels: np.ndarray) -> Callable[[], object]:
    """Return the step of the product."""
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        model, optimizer = made(images.shape[1])
    step = Step(model, optimizer, strategy, Rules())
    batch = {
        "image": tf.constant(images.astype(np.uint8)),  # as whole pictures travel
        "label": tf.constant(labels),
        "weight": tf.ones(BATCH),
        "index": tf.range(BATCH, dtype=tf.int64),
    }
    return lambda: step.train([batch])


class Counting(Step):
    """Counts what keeps a device waiting."""

    begun = waited = traced = 0

    def begin(self, batches: Sequence[Any]) -> Future[Any]:
        """Note a call, and whether its results are asked for before the next."""
        self.begun += 1
        number, running = self.begun, super().begin(batches)
        result = running.result

        def asked(timeout: float | None = None) -> Any:
            self.waited += number == self.begun
            return result(timeout)

        running.result = asked  # type: ignore[method-assign]
        return running

    def _train_replica(self, batch: Any) -> Any:
        self.traced += 1
        return super()._train_replica(batch)


@dataclass
class Feeds:
    """The same batch again and again."""

    batch: dict[str, tf.Tensor]
    steps_per_epoch: int = 100

    def training(self, start_step: int) -> Iterator[Any]:
        """Return the batches of all epochs."""
        return itertools.repeat(self.batch)

    def evaluation(self, split: str) -> list[Any]:
        """Return the batches of a split."""
        return [self.batch]


def waits() -> str:
    """Train an epoch of 100 steps, 7 at a time; tell what was counted."""
    side, rng = 32, np.random.default_rng(0)
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        model = networks.build("demo-cnn", 3, image_size=side)
        optimizer = keras.optimizers.SGD(0.01)
    step = Counting(model, optimizer, strategy, Rules())
    batch = {
        "image": tf.constant(rng.integers(0, 256, (BATCH, side, side, 3)), tf.uint8),
        "label": tf.constant(rng.integers(0, 3, BATCH), tf.int32),
        "weight": tf.ones(BATCH),
        "index": tf.range(BATCH, dtype=tf.int64),
    }
    Trainer(step, Feeds(batch), 1, steps_per_call=7).fit()
    picture = batch["image"].numpy().nbytes // BATCH
    return (
        f"{step.waited} waits in {step.begun} calls of 100 steps, the network traced {step.traced}"
        f" times, {picture / side**2:.0f} bytes a pixel"
    )


if __name__ == "__main__":
    main()
