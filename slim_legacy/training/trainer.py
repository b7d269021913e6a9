"""One training step: the network, its loss, gradients, optimizer and moving averages.

The network runs in training mode whatever is trained, so batch normalisation uses the batch's
statistics and moves its averages also where its variables are frozen; only the gradient leaves
frozen variables out. A step on several clones sums their gradients of (loss / clones).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import keras
import tensorflow as tf

from database_tools.core.errors import UserError
from slim_legacy.nets import nets_factory
from slim_legacy.training import checkpoints, log, losses
from slim_legacy.training.moving_averages import MovingAverages
from slim_legacy.training.optimizers import Optimizer
from slim_legacy.training.options import TrainOptions


def trainable_names(names: Iterable[str], scopes: str | None) -> list[str]:
    """Return the names that a scope matches from their start, in the scopes' order, once each.

    Args:
        names: of all trainable variables.
        scopes: regular expressions, separated by commas; None or empty for all names.

    Raises:
        UserError: if a scope matches nothing: a typing error would train nothing for days.
    """
    names = list(names)
    chosen: dict[str, None] = {}
    for scope in [s.strip() for s in (scopes or "").split(",") if s.strip()]:
        matched = [name for name in names if re.match(scope, name)]
        if not matched:
            raise UserError(f"--trainable_scopes: no trainable variable starts with {scope}")
        chosen |= dict.fromkeys(matched)
    return list(chosen) or names


class Trainer:
    """A network with all that a checkpoint of its training holds; make it in the scope."""

    def __init__(self, options: TrainOptions, num_classes: int) -> None:
        self.options = options
        self.network: keras.Model = nets_factory.build(
            options.model_name, num_classes, options.train_image_size
        )
        keras_variables = nets_factory.variables(self.network)
        self.model = {name: variable.value for name, variable in keras_variables.items()}
        every = [name for name, variable in keras_variables.items() if variable.trainable]
        self.trained = {n: self.model[n] for n in trainable_names(every, options.trainable_scopes)}
        self.optimizer = Optimizer(options, self.trained)
        self.averages = None if options.moving_average_decay is None else MovingAverages(self.model)
        self.step = tf.Variable(0, dtype=tf.int64, trainable=False)

    @property
    def variables(self) -> dict[str, tf.Variable]:
        """Everything but the step, by name."""
        shadows = self.averages.variables if self.averages else {}
        return self.model | self.optimizer.variables | shadows

    def restore(self) -> None:
        """Go on from ``train_dir``, or fine-tune from ``checkpoint_path``, or start at random."""
        o = self.options
        if found := checkpoints.latest(Path(o.train_dir)):
            if o.checkpoint_path:
                log.info(
                    "Ignoring --checkpoint_path because a checkpoint already exists in %s",
                    o.train_dir,
                )
            log.info("Restoring parameters from %s", found)
            checkpoints.restore(found, self.variables)
            self.step.assign(checkpoints.step_of(found))
        elif o.checkpoint_path:
            self._fine_tune(checkpoints.find(o.checkpoint_path))
        else:
            log.info("Training from scratch: no --checkpoint_path, all variables are random")

    def _fine_tune(self, path: str) -> None:
        o = self.options
        log.info("Fine-tuning from %s", path)
        names = checkpoints.without_scopes(self.model, o.checkpoint_exclude_scopes)
        wanted = {name: self.model[name] for name in names}
        for name in checkpoints.restore(path, wanted, o.ignore_missing_vars):
            log.warning("Variable %s missing in checkpoint %s", name, path)
        if self.averages:
            self.averages.start_from_variables()

    def regularization(self) -> tf.Tensor:
        """Return the scalar part of the loss that weight decay is, for the frozen kernels too."""
        kernels = [v for name, v in self.model.items() if nets_factory.is_regularised(name)]
        return losses.regularization(kernels, self.options.weight_decay)

    def gradients(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """Return a clone's share of the loss and of the gradient; call in replica context."""
        o = self.options
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(list(self.trained.values()))
            points = self.network(images, training=True)
            loss = losses.cross_entropy(points, labels, o.label_smoothing)
            loss += self.regularization()
            loss /= o.num_clones
        return loss, tape.gradient(loss, list(self.trained.values()))

    @tf.function(autograph=False)
    def train_step(
        self, images: tf.Tensor, labels: tf.Tensor, rate: tf.Tensor, average: tf.Tensor
    ) -> tf.Tensor:
        """Do one step and return its loss, weight decay included.

        Args:
            images: (B, S, S, 3) in [-1, 1], or that of each clone.
            labels: (B,) int64, or that of each clone.
            rate: learning rate, scalar float32.
            average: decay of the moving averages at this step, scalar float32.
        """
        strategy = tf.distribute.get_strategy()
        loss, gradients = strategy.run(self.gradients, args=(images, labels))
        pairs = list(zip(gradients, self.trained.values(), strict=True))
        self.optimizer.apply(
            strategy.extended.batch_reduce_to(tf.distribute.ReduceOp.SUM, pairs), rate
        )
        if self.averages:
            self.averages.move(average)
        self.step.assign_add(1)
        return strategy.reduce(tf.distribute.ReduceOp.SUM, loss, axis=None)
