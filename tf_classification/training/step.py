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

import functools
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_classification.evaluation.tally import NEAR, Tally

Batch: TypeAlias = Mapping[str, tf.Tensor]
Outcome: TypeAlias = dict[str, npt.NDArray[Any]]
"""What became of a local replica's examples, see ``Step._count``."""

Trained: TypeAlias = tuple[list[float], list[list[Outcome]]]
"""Loss of each global batch before its step, and for each the outcome of each local replica."""

_SUM = tf.distribute.ReduceOp.SUM
_function = functools.partial(tf.function, autograph=False)  # to convert all this takes seconds


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
            shapes = {"confusion": (c, c), "loss": (c,), "top3": (c,)}
            self._tally = {name: _sum(shape) for name, shape in shapes.items()}
        # The compiled steps, by ``frozen``.
        self._one: dict[bool, Any] = {}
        self._several: dict[bool, Any] = {}
        self._evaluate = _function(self._evaluate_all, reduce_retracing=True)
        self._fetching = ThreadPoolExecutor(1, "fetching")

    # --- one call -------------------------------------------------------------------------

    def train(self, batches: Sequence[Any]) -> Trained:
        """Make one step with each of the (distributed) batches and wait for what it gives."""
        return self.begin(batches).result()

    def begin(self, batches: Sequence[Any]) -> Future[Trained]:
        """Begin one step with each of the batches: hand them to the devices at once."""
        losses, outcomes = zip(*self._steps(list(batches)), strict=True)
        return self._fetching.submit(self._fetched, losses, outcomes)

    def evaluate(self, batch: Any) -> list[Outcome]:
        """Count a (distributed) batch; return what came out on each local replica."""
        return self.begin_evaluation(batch).result()

    def begin_evaluation(self, batch: Any) -> Future[list[Outcome]]:
        """Begin to count a batch."""
        return self._fetching.submit(self._local, self._evaluate(batch))

    def _steps(self, batches: list[Any]) -> list[tuple[Any, Any]]:
        """Run a step for each batch; the network is traced once, however many there are."""
        if self.frozen not in self._one:
            one = self._one[self.frozen] = _function(self._train_one)
            self._several[self.frozen] = _function(lambda batches: [one(b) for b in batches])
        if len(batches) == 1:
            return [self._one[self.frozen](batches[0])]
        steps: list[tuple[Any, Any]] = self._several[self.frozen](batches)
        return steps

    def _fetched(self, losses: Sequence[Any], outcomes: Sequence[Mapping[str, Any]]) -> Trained:
        local = self.strategy.experimental_local_results
        return [float(local(loss)[0]) for loss in losses], [self._local(x) for x in outcomes]

    def _local(self, outcome: Mapping[str, Any]) -> list[Outcome]:
        local = self.strategy.experimental_local_results
        columns = {name: [part.numpy() for part in local(x)] for name, x in outcome.items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def _train_one(self, batch: Any) -> tuple[Any, Any]:
        result: tuple[Any, Any] = self.strategy.run(self._train_replica, (batch,))
        self._update_averages()
        return result

    def _evaluate_all(self, batch: Any) -> Any:
        return self.strategy.run(self._evaluate_replica, (batch,))

    # --- on each replica ------------------------------------------------------------------

    def _train_replica(self, batch: Batch) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        loss, gradients, logits = self.gradients(batch)
        self.optimizer.apply(gradients, self._learning())
        return loss, self._count(batch, logits)

    def _evaluate_replica(self, batch: Batch) -> dict[str, tf.Tensor]:
        return self._count(batch, self._logits(batch, training=False))

    def _logits(self, batch: Batch, *, training: bool) -> tf.Tensor:
        # Pictures of whole numbers travel as bytes.
        pixels = tf.cast(batch["image"], self.model.inputs[0].dtype)
        return self.model(pixels, training=training)

    def gradients(self, batch: Batch) -> tuple[tf.Tensor, list[tf.Tensor], tf.Tensor]:
        """Return loss of the global batch, gradients, and this replica's logits.

        The gradients are such that their sum over the replicas is what the optimizer wants.
        """
        forward = self._forward_and_back
        if self.rules.jit_compile:
            forward = _function(forward, jit_compile=True)
        replica = tf.distribute.get_replica_context()
        weight = replica.all_reduce(_SUM, tf.reduce_sum(batch["weight"]))
        gradients, logits, losses = forward(batch, tf.maximum(weight, 1))
        loss = replica.all_reduce(_SUM, tf.reduce_sum(losses)) / tf.cast(
            tf.maximum(weight, 1), losses.dtype
        )
        return loss, self._finished(gradients), logits

    def _forward_and_back(
        self, batch: Batch, weight: tf.Tensor
    ) -> tuple[list[tf.Tensor], tf.Tensor, tf.Tensor]:
        learning = [v.value for v in self._learning()]
        # Watching only what learns keeps a frozen body's activations out of memory.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(learning)
            logits = self._logits(batch, training=not self.frozen)
            losses = self._losses(batch, logits, self.rules.label_smoothing)
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

    def _losses(self, batch: Batch, logits: tf.Tensor, smooth: float = 0.0) -> tf.Tensor:
        """Weighted cross entropy of each example, (B,)."""
        target = batch.get("target")
        if target is None:
            target = tf.one_hot(batch["label"], self.num_labels)
        target = tf.cast(target, logits.dtype) * (1 - smooth) + smooth / self.num_labels
        losses = tf.nn.softmax_cross_entropy_with_logits(target, logits)
        return losses * tf.cast(batch["weight"], logits.dtype)

    def _learning(self) -> list[keras.Variable]:
        if self.frozen:
            return list(self.model.layers[-1].trainable_variables)
        return list(self.model.trainable_variables)

    def _count(self, batch: Batch, logits: tf.Tensor) -> dict[str, tf.Tensor]:
        """Add a batch to the tally, by the rules of ``evaluation.tally``.

        Returns:
            The outcome: index, label and predicted (B,), weight, and the probabilities of the
            label, of the likeliest and of the second likeliest label, (B,) float32.
        """
        label, c = batch["label"], self.num_labels
        losses = self._losses(batch, logits)
        logits = tf.cast(logits, tf.float32)
        best = tf.math.top_k(logits, k=2)
        predicted = best.indices[:, 0]
        weight = tf.cast(batch["weight"], tf.float64)
        near = tf.cast(_rank(logits, label) < NEAR, tf.float64) * weight
        by_label = {"loss": tf.cast(losses, tf.float64), "top3": near}
        for name, values in by_label.items():
            self._tally[name].assign_add(tf.math.unsorted_segment_sum(values, label, c))
        pairs = tf.math.unsorted_segment_sum(weight, label * c + predicted, c * c)
        self._tally["confusion"].assign_add(tf.reshape(pairs, (c, c)))
        said = tf.nn.softmax(logits)
        return {
            "index": batch["index"],
            "label": label,
            "weight": batch["weight"],
            "predicted": predicted,
            "p_label": tf.gather(said, label, batch_dims=1),
            "p_best": tf.gather(said, predicted, batch_dims=1),
            "p_second": tf.gather(said, best.indices[:, -1], batch_dims=1),
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


def _rank(logits: tf.Tensor, label: tf.Tensor) -> tf.Tensor:
    """Tell how many labels come before the true one, (B,) int32; see ``evaluation.tally.ranks``."""
    own = tf.gather(logits, label, batch_dims=1)[:, None]
    earlier = tf.range(tf.shape(logits)[1])[None] < label[:, None]
    before = (logits > own) | ((logits == own) & earlier)
    return tf.reduce_sum(tf.cast(before, tf.int32), axis=1)


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
