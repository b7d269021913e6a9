"""The arithmetic of training: one step on every replica at once.

    loss      = sum of w · cross entropy over the global batch / sum of w over the global batch
    gradients = sum over replicas, then clipped by their common norm
    weights   = optimizer(weights, gradients)

The same code runs on one device, on several GPUs and on several machines.  Two facts of
TensorFlow and Keras shaped it: ``optimizer.apply`` sums the replicas' gradients itself, so what
has been summed before is divided by their number; and ``training=False`` inside a functional
graph is overruled by the call, so that a frozen network is one that is *called* frozen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from tf_classification.evaluation.tally import Tally

Batch = Mapping[str, tf.Tensor]
_SUM = tf.distribute.ReduceOp.SUM


@dataclass(frozen=True)
class Rules:
    """What a step does beside plain descent.

    Attributes:
        label_smoothing: part of each target that is spread over all labels.
        clip_norm: largest norm of all gradients together, after their sum; None for no limit.
        l2: this times each parameter is added to its gradient, after clipping.
        ema: momentum of the average of the weights; 0 for none.
        jit_compile: compile loss and gradients with XLA.
    """

    label_smoothing: float = 0.0
    clip_norm: float | None = None
    l2: float = 0.0
    ema: float = 0.0
    jit_compile: bool = False


class Step:
    """Trains and evaluates a model batch by batch.

    Attributes:
        frozen: only the last layer learns, and the network runs as at inference.
        averages: moving averages of the trainable weights; empty without ``ema``.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        strategy: tf.distribute.Strategy,
        rules: Rules,
    ) -> None:
        self.model, self.optimizer, self.strategy, self.rules = model, optimizer, strategy, rules
        self.frozen = False
        self.num_labels = int(model.output_shape[-1])
        with strategy.scope():
            optimizer.build(model.trainable_variables)
            self.averages = [_copy(v) for v in model.trainable_variables] if rules.ema else []
            c = self.num_labels
            self._tally = {k: _sum(s) for k, s in (("confusion", (c, c)), *_per_label(c))}
        self._functions: dict[bool, Any] = {}
        self._evaluate = tf.function(self._evaluate_all, reduce_retracing=True)

    # --- one call -------------------------------------------------------------------------

    def train(self, batches: Sequence[Any]) -> tuple[list[float], list[list[dict[str, Any]]]]:
        """Make one step with each of the (distributed) batches.

        Returns:
            the loss of each global batch before its step, and for each batch what came out
            for the examples of each local replica (see ``_outcome``).
        """
        if self.frozen not in self._functions:
            self._functions[self.frozen] = tf.function(self._train_all)
        losses, outcomes = self._functions[self.frozen](list(batches))
        local = self.strategy.experimental_local_results
        return [float(local(loss)[0]) for loss in losses], [self._local(x) for x in outcomes]

    def evaluate(self, batch: Any) -> list[dict[str, Any]]:
        """Count a (distributed) batch; return what came out on each local replica."""
        return self._local(self._evaluate(batch))

    def _local(self, outcome: Mapping[str, Any]) -> list[dict[str, Any]]:
        columns = {k: self.strategy.experimental_local_results(v) for k, v in outcome.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _train_all(self, batches: list[Any]) -> tuple[list[Any], list[Any]]:
        losses, outcomes = [], []
        for batch in batches:
            loss, outcome = self.strategy.run(self._train_replica, (batch,))
            losses.append(loss)
            outcomes.append(outcome)
            self._update_averages()
        return losses, outcomes

    def _evaluate_all(self, batch: Any) -> Any:
        return self.strategy.run(self._evaluate_replica, (batch,))

    # --- on each replica ------------------------------------------------------------------

    def _train_replica(self, batch: Batch) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        loss, gradients, logits, losses = self.gradients(batch)
        self.optimizer.apply(gradients, self._learning())
        return loss, self._count(batch, logits, losses)

    def _evaluate_replica(self, batch: Batch) -> dict[str, tf.Tensor]:
        logits = self.model(batch["image"], training=False)
        return self._count(batch, logits, self._losses(batch, logits))

    def gradients(self, batch: Batch) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor, tf.Tensor]:
        """Return loss of the global batch, gradients, and this replica's logits and losses.

        The gradients are such that their sum over the replicas is what the optimizer wants.
        """
        forward = self._forward_and_back
        if self.rules.jit_compile:
            forward = tf.function(forward, jit_compile=True)
        replica = tf.distribute.get_replica_context()
        weight = replica.all_reduce(_SUM, tf.reduce_sum(batch["weight"]))
        gradients, logits, losses = forward(batch, tf.maximum(weight, 1))
        loss = replica.all_reduce(_SUM, tf.reduce_sum(losses)) / tf.cast(
            tf.maximum(weight, 1), losses.dtype
        )
        return loss, self._finished(gradients), logits, losses

    def _forward_and_back(
        self, batch: Batch, weight: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        learning = [v.value for v in self._learning()]
        # Watching only what learns keeps a frozen body's activations out of memory.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(learning)
            logits = self.model(batch["image"], training=not self.frozen)
            losses = self._losses(batch, logits)
            loss = tf.reduce_sum(losses) / tf.cast(weight, losses.dtype)
            scaled = self.optimizer.scale_loss(loss)
        return tape.gradient(scaled, learning), logits, losses

    def _finished(self, gradients: list[tf.Tensor]) -> list[tf.Tensor]:
        """Clip the sum of the gradients, then add L2."""
        replica = tf.distribute.get_replica_context()
        scale = getattr(self.optimizer, "dynamic_scale", None)
        factor = 1.0 if scale is None else tf.cast(scale.value, gradients[0].dtype)
        if self.rules.clip_norm or scale is not None:
            # The loss scaler must see on every replica whether any of them overflowed.
            total = replica.all_reduce(_SUM, gradients)
            if self.rules.clip_norm:
                total, _ = tf.clip_by_global_norm(total, self.rules.clip_norm * factor)
            gradients = [g / replica.num_replicas_in_sync for g in total]
        if self.rules.l2:
            share = self.rules.l2 * factor / replica.num_replicas_in_sync
            learning = self._learning()
            gradients = [
                g + tf.cast(share, g.dtype) * v.value
                for g, v in zip(gradients, learning, strict=True)
            ]
        return gradients

    def _losses(self, batch: Batch, logits: tf.Tensor) -> tf.Tensor:
        """Weighted cross entropy of each example, (B,)."""
        target = batch.get("target")
        if target is None:
            target = tf.one_hot(batch["label"], self.num_labels)
        smooth = self.rules.label_smoothing
        target = tf.cast(target, logits.dtype) * (1 - smooth) + smooth / self.num_labels
        losses = tf.nn.softmax_cross_entropy_with_logits(target, logits)
        return losses * tf.cast(batch["weight"], logits.dtype)

    def _learning(self) -> list[keras.Variable]:
        if self.frozen:
            return list(self.model.layers[-1].trainable_variables)
        return list(self.model.trainable_variables)

    def _count(self, batch: Batch, logits: tf.Tensor, losses: tf.Tensor) -> dict[str, tf.Tensor]:
        """Add a batch to the tally; return the outcome of each example.

        The outcome has index, label and predicted (B,), weight, and the probabilities of the
        label, of the likeliest and of the second likeliest label, (B,) float32.
        """
        label, c = batch["label"], self.num_labels
        logits = tf.cast(logits, tf.float32)
        best = tf.math.top_k(tf.nn.softmax(logits), k=2)
        predicted = best.indices[:, 0]
        weight = tf.cast(batch["weight"], tf.float64)
        near = tf.cast(tf.math.in_top_k(label, logits, min(3, c)), tf.float64) * weight
        by_label = {"loss": tf.cast(losses, tf.float64), "top3": near}
        for name, values in by_label.items():
            self._tally[name].assign_add(tf.math.unsorted_segment_sum(values, label, c))
        pairs = tf.math.unsorted_segment_sum(weight, label * c + predicted, c * c)
        self._tally["confusion"].assign_add(tf.reshape(pairs, (c, c)))
        return {
            "index": batch["index"],
            "label": label,
            "weight": batch["weight"],
            "predicted": predicted,
            "p_label": tf.gather(tf.nn.softmax(logits), label, batch_dims=1),
            "p_best": best.values[:, 0],
            "p_second": best.values[:, 1],
        }

    # --- sums and averages ----------------------------------------------------------------

    def take_tally(self) -> Tally:
        """Return the sums and begin anew."""
        tally = self.tally()
        self.set_tally(Tally(**{name: np.zeros_like(sums) for name, sums in vars(tally).items()}))
        return tally

    def tally(self) -> Tally:
        """Return the sums over all replicas and workers; all workers must call this together."""
        return Tally(**{name: variable.numpy() for name, variable in self._tally.items()})

    def set_tally(self, tally: Tally) -> None:
        """Go on from these sums."""
        for name, variable in self._tally.items():
            variable.assign(getattr(tally, name))

    def _update_averages(self) -> None:
        if not self.averages:
            return
        step = tf.cast(self.optimizer.iterations.value, tf.float32)
        # Short at the start, so that random first weights are soon forgotten.
        momentum = tf.minimum(self.rules.ema, (1 + step) / (10 + step))
        for average, weight in zip(self.averages, self.model.trainable_variables, strict=True):
            m = tf.cast(momentum, average.dtype)
            average.assign(m * average + (1 - m) * weight.value)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Let the model have its averaged weights within a block."""
        kept = [v.numpy() for v in self.model.trainable_variables] if self.averages else []
        for average, weight in zip(self.averages, self.model.trainable_variables, strict=False):
            weight.assign(average.numpy())
        try:
            yield
        finally:
            for value, weight in zip(kept, self.model.trainable_variables, strict=False):
                weight.assign(value)


def _copy(variable: keras.Variable) -> tf.Variable:
    return tf.Variable(variable.numpy(), trainable=False, name="average")


def _sum(shape: tuple[int, ...]) -> tf.Variable:
    """Make a variable that each replica adds to for itself and that reads as their sum."""
    return tf.Variable(
        tf.zeros(shape, tf.float64),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )


def _per_label(c: int) -> tuple[tuple[str, tuple[int]], ...]:
    return ("loss", (c,)), ("top3", (c,))
