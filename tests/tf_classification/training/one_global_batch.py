"""Run in a process of its own: gradients, weights and sums of one global batch, in float64.

    python one_global_batch.py OUT.npz LOGICAL_CPUS

With TF_CONFIG it is one of several workers.  The batch's 16 rows have only 11 that count, so
that every replica but the last ones has another number of them.
"""

from __future__ import annotations

import sys

import keras
import numpy as np
import tensorflow as tf

from tf_classification.models import networks
from tf_classification.runs import strategies
from tf_classification.training.step import Rules, Step

ROWS, COUNTING = 16, 11


def main(out: str, logical_cpus: int) -> None:
    strategy = strategies.make("auto", logical_cpus)
    replicas = strategy.num_replicas_in_sync
    keras.utils.set_random_seed(1)
    with strategy.scope():
        model = networks.build(
            "demo-cnn", 5, image_size=32, synchronized=replicas > 1, dtype="float64"
        )
        optimizer = keras.optimizers.SGD(0.1)
    step = Step(model, optimizer, strategy, Rules(clip_norm=0.05, l2=1e-3))
    rng = np.random.default_rng(0)
    rows = {
        "image": rng.uniform(0, 255, (ROWS, 32, 32, 3)),
        "label": rng.integers(0, 5, ROWS).astype(np.int32),
        "weight": (np.arange(ROWS) < COUNTING).astype(np.float32),
        "index": np.arange(ROWS),
    }
    worker, workers = strategies.worker_of(strategy)

    def of_worker(context: tf.distribute.InputContext) -> tf.data.Dataset:
        part = slice(worker * ROWS // workers, (worker + 1) * ROWS // workers)
        local = {name: column[part] for name, column in rows.items()}
        return tf.data.Dataset.from_tensor_slices(local).batch(ROWS // replicas)

    batch = next(iter(strategy.distribute_datasets_from_function(of_worker)))

    def summed(local: dict[str, tf.Tensor]) -> list[tf.Tensor]:
        gradients = step.gradients(local)[1]
        return tf.distribute.get_replica_context().all_reduce("sum", gradients)

    per_replica = tf.function(lambda b: strategy.run(summed, (b,)))(batch)
    gradients = [strategy.experimental_local_results(g)[0].numpy() for g in per_replica]
    losses, _ = step.train([batch, batch])
    after = [v.numpy() for v in model.variables]
    sums = list(vars(step.take_tally()).values())
    agreed = strategies.from_chief(strategy, 100 + worker)
    np.savez(out, *gradients, *after, *sums, losses, replicas=replicas, agreed=agreed)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
