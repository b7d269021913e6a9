r"""The slim path: its training step against a bare one, evaluation's input against training's.

    python scripts/bench/slim_training.py
    python scripts/bench/slim_training.py --model_name tiny --batch_size 32 --rounds 50

Both sides of a ratio are measured in turns in one process, in CPU seconds, so that other jobs on
the machine disturb them alike. The bare step is one ``tf.function``: network, both cross entropies,
weight decay, gradients and RMSProp's kernel, on the same batch; it has no strategy, no names, no
step count. The input decodes generated crops of 200 to 700 pixels to 299.
"""

from __future__ import annotations

import argparse
import io
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import tensorflow as tf
from PIL import Image

from database_tools.formats import example, tfrecord
from slim_legacy.nets import nets_factory
from slim_legacy.training import losses, records
from slim_legacy.training.options import TrainOptions
from slim_legacy.training.trainer import Trainer

CLASSES = 20
CROPS = 200
IDLE = 0.002  # CPU seconds in a fifth of a second that are nobody's work


def cpu_seconds(work: Callable[[], object]) -> float:
    """Run and return the CPU seconds of all threads, what they fetch ahead included."""
    start = time.process_time()
    work()
    before = start
    while (now := time.process_time()) - before > IDLE:
        before = now
        time.sleep(0.2)
    return now - start


def compare(first: Callable[[], object], second: Callable[[], object], rounds: int) -> str:
    """Measure both in turns; say medians and the ratio second / first."""
    first(), second()  # trace, and fill caches
    pairs = [(cpu_seconds(first), cpu_seconds(second)) for _ in range(rounds)]
    ratios = sorted(b / a for a, b in pairs)
    low, middle, high = (ratios[int(q * (len(ratios) - 1))] for q in (0.25, 0.5, 0.75))
    a, b = (statistics.median(side) for side in zip(*pairs, strict=True))
    return f"{a:.3f} s and {b:.3f} s, ratio {middle:.2f} ({low:.2f}-{high:.2f})"


def bare_step(network: tf.Module, options: TrainOptions) -> Callable[..., tf.Tensor]:
    """The same arithmetic as the trainer's step, written straight down."""
    variables = nets_factory.variables(network)
    kernels = [v.value for name, v in variables.items() if nets_factory.is_regularised(name)]
    trained = [v.value for v in variables.values() if v.trainable]
    slots = [(tf.Variable(tf.ones_like(v)), tf.Variable(tf.zeros_like(v))) for v in trained]

    @tf.function(autograph=False)
    def step(images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = losses.cross_entropy(network(images, training=True), labels)
            loss += losses.regularization(kernels, options.weight_decay)
        for v, g, (ms, mom) in zip(trained, tape.gradient(loss, trained), slots, strict=True):
            tf.raw_ops.ResourceApplyRMSProp(
                var=v.handle,
                ms=ms.handle,
                mom=mom.handle,
                lr=0.001,
                rho=0.9,
                momentum=0.9,
                epsilon=1.0,
                grad=g,
            )
        return loss

    return step


def steps(model_name: str, batch_size: int, rounds: int) -> str:
    """Compare the trainer's step with the bare one on the same network and batch."""
    options = TrainOptions(model_name=model_name, batch_size=batch_size)
    with tf.distribute.OneDeviceStrategy("/cpu:0").scope():
        trainer = Trainer(options, CLASSES)
        size = trainer.network.image_size
        images = tf.random.stateless_uniform((batch_size, size, size, 3), (0, 1), -1, 1)
        labels = tf.constant(np.arange(batch_size) % CLASSES)
        bare = bare_step(trainer.network, options)
        rate, average = tf.constant(0.001), tf.constant(0.0)
        ours = lambda: float(trainer.train_step(images, labels, rate, average))  # noqa: E731
        return compare(ours, lambda: float(bare(images, labels)), rounds)


def write_crops(folder: Path) -> list[Path]:
    """Write smooth, noisy pictures of about 50 kB."""
    rng = np.random.default_rng(0)
    path = folder / "train-00000"
    with tfrecord.Writer(path) as writer:
        for i in range(CROPS):
            h, w = (int(side) for side in rng.integers(200, 700, 2))
            small = rng.integers(0, 256, (h // 8, w // 8, 3)).astype(np.uint8)
            smooth = np.asarray(Image.fromarray(small).resize((w, h)), np.float64)
            noisy = (smooth + rng.normal(0, 8, smooth.shape)).clip(0, 255).astype(np.uint8)
            content = io.BytesIO()
            Image.fromarray(noisy).save(content, "JPEG", quality=75)
            label = np.array([i % CLASSES])
            features = {"image/encoded": [content.getvalue()], "image/class/label": label}
            writer.write(example.encode(features))
    return [path]


def inputs(rounds: int) -> str:
    """Compare the images of training and of evaluation for the same CPU time."""
    how = records.Reading(299, 20, CLASSES, threads=2)
    with TemporaryDirectory() as folder:
        shards = write_crops(Path(folder))
        training = iter(records.training(shards, how, readers=1))
        evaluation = iter(records.evaluation(shards * 10 * (rounds + 2), how))
        batches = CROPS // how.batch_size
        take = lambda source: [next(source) for _ in range(batches)]  # noqa: E731
        return compare(lambda: take(evaluation), lambda: take(training), rounds)


def main() -> None:
    """Print both comparisons."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model_name", default="inception_v4")
    parser.add_argument("--batch_size", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    print(f"input of {CROPS} crops, evaluation and training:", inputs(args.rounds))
    step = steps(args.model_name, args.batch_size, args.rounds)
    print(f"step of {args.model_name}, batch {args.batch_size}, ours and bare:", step)


if __name__ == "__main__":
    main()
