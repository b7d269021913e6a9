"""Which devices train: one GPU or the CPU, or several GPUs that mirror the variables."""

from __future__ import annotations

import logging

import tensorflow as tf

from database_tools.core.errors import UserError


def strategy(num_clones: int, clone_on_cpu: bool) -> tf.distribute.Strategy:
    """Return the strategy for ``--num_clones`` and ``--clone_on_cpu``.

    One clone uses the first GPU, or the CPU of a machine without one. Several clones need as
    many GPUs; on the CPU they are logical devices, which is for trying things.

    Raises:
        UserError: if there are fewer GPUs than clones.
    """
    gpus = [] if clone_on_cpu else tf.config.list_physical_devices("GPU")
    logging.getLogger("tensorflow").setLevel(logging.WARNING)  # else a line for each reduction
    if num_clones == 1:
        return tf.distribute.OneDeviceStrategy("/gpu:0" if gpus else "/cpu:0")
    if clone_on_cpu:
        return _logical_cpus(num_clones)
    if len(gpus) < num_clones:
        raise UserError(
            f"--num_clones={num_clones}, but this machine has {len(gpus)} GPUs. "
            "--clone_on_cpu uses the CPU, which is slow"
        )
    return tf.distribute.MirroredStrategy([f"/gpu:{i}" for i in range(num_clones)])


def _logical_cpus(number: int) -> tf.distribute.Strategy:
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        devices = [tf.config.LogicalDeviceConfiguration() for _ in range(number)]
        tf.config.set_logical_device_configuration(cpu, devices)
    except RuntimeError as error:
        raise UserError(f"--clone_on_cpu with several clones: {error}") from error
    return tf.distribute.MirroredStrategy(
        [f"/cpu:{i}" for i in range(number)],
        cross_device_ops=tf.distribute.ReductionToOneDevice(),
    )
