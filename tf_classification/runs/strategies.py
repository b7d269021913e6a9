"""Where a training runs: one device, the GPUs of one machine, or several machines.

Make the strategy before anything else touches TensorFlow: collective operations between
machines are set up at the start of a program or not at all.
"""

from __future__ import annotations

import logging
import os
import shutil

import tensorflow as tf

from database_tools.core import json_text
from database_tools.core.errors import UserError


def make(name: str, logical_cpus: int = 0) -> tf.distribute.Strategy:
    """Make the strategy of that name.

    Args:
        name: ``one``, ``mirrored``, ``multiworker``; ``auto`` takes multiworker when TF_CONFIG
            or Slurm names more than one worker, mirrored when there are several GPUs (or
            logical CPUs), otherwise one.
        logical_cpus: number of devices to make of the CPU; 0 leaves it whole.

    Raises:
        UserError: if there is no cluster to be seen, or the CPU is in use already.
    """
    if logical_cpus > 1:
        _split_cpu(logical_cpus, f"--logical-cpus {logical_cpus}")
    gpus = tf.config.list_physical_devices("GPU")
    workers = _number_of_workers()
    if name == "auto":
        several = "mirrored" if len(gpus) > 1 or logical_cpus > 1 else "one"
        name = "multiworker" if workers > 1 else several
    if name == "multiworker":
        return _multiworker(workers)
    if name == "mirrored":
        return _mirrored("CPU", logical_cpus) if logical_cpus > 1 else _mirrored("GPU", len(gpus))
    return of_replicas(1)


def of_replicas(
    number: int, *, on_cpu: bool = False, flag: str = "--num_clones"
) -> tf.distribute.Strategy:
    """Make a strategy of so many replicas in this process.

    Args:
        number: one uses the first GPU, or the CPU of a machine without one; several use as many
            GPUs.
        on_cpu: leave GPUs alone; several replicas are devices made of the CPU, to try things.
        flag: that asks for them, for messages.

    Raises:
        UserError: if there are fewer GPUs, or the CPU is in use already.
    """
    gpus = [] if on_cpu else tf.config.list_physical_devices("GPU")
    if number == 1:
        return tf.distribute.OneDeviceStrategy("GPU:0" if gpus else "CPU:0")
    if on_cpu:
        _split_cpu(number, flag)
        return _mirrored("CPU", number)
    if len(gpus) < number:
        rule = f"this machine has {len(gpus)} GPUs. --clone_on_cpu uses the CPU, which is slow"
        raise UserError(f"{flag}, but {rule}")
    return _mirrored("GPU", number)


def _mirrored(kind: str, number: int) -> tf.distribute.Strategy:
    logging.getLogger("tensorflow").setLevel(logging.WARNING)  # else a line for each reduction
    # Without a GPU it mirrors on the CPU alone.
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(number)] or None)


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Tell whether this process is the one that writes files."""
    return worker_of(strategy)[0] == 0


def worker_of(strategy: tf.distribute.Strategy) -> tuple[int, int]:
    """Return this worker's number, from 0, and how many there are."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec():
        return 0, 1
    spec = resolver.cluster_spec().as_dict()
    chiefs = len(spec.get("chief", []))
    first = chiefs if resolver.task_type == "worker" else 0
    return first + int(resolver.task_id or 0), chiefs + len(spec.get("worker", []))


def local_replicas(strategy: tf.distribute.Strategy) -> int:
    """Return the number of replicas of this worker."""
    return int(strategy.num_replicas_in_sync) // worker_of(strategy)[1]


def from_chief(strategy: tf.distribute.Strategy, number: int) -> int:
    """Return the chief's ``number`` on every worker; all of them must call this."""
    if worker_of(strategy)[1] == 1:
        return number
    value = number if is_chief(strategy) else 0

    @tf.function
    def replica() -> tf.Tensor:
        return tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM, tf.constant(value, tf.int64)
        )

    total = strategy.experimental_local_results(strategy.run(replica))[0]
    return int(total) // local_replicas(strategy)


def _number_of_workers() -> int:
    if text := os.environ.get("TF_CONFIG"):
        try:
            cluster = json_text.loads(text).get("cluster", {})
            return sum(len(cluster.get(kind, [])) for kind in ("chief", "worker"))
        except (ValueError, AttributeError, TypeError) as error:
            raise UserError(f"TF_CONFIG is not the JSON that TensorFlow expects: {error}") from None
    try:
        return int(os.environ.get("SLURM_STEP_NUM_TASKS", "1"))
    except ValueError:
        return 1


def _multiworker(workers: int) -> tf.distribute.Strategy:
    logging.getLogger("tensorflow").setLevel(logging.WARNING)
    if os.environ.get("TF_CONFIG"):
        return tf.distribute.MultiWorkerMirroredStrategy()
    if workers > 1:
        return tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=slurm())
    raise UserError("--strategy multiworker needs TF_CONFIG, or Slurm with more than one task")


def slurm() -> tf.distribute.cluster_resolver.ClusterResolver:
    """Return the cluster that Slurm's variables describe, on nodes with or without GPUs."""
    # Left to itself the resolver asks nvidia-smi for the number of GPUs, and fails without; it
    # cannot count none either, so nodes without get more than they have tasks, and none is set.
    gpus = {} if shutil.which("nvidia-smi") else {"gpus_per_node": 1024, "gpus_per_task": 1}
    return tf.distribute.cluster_resolver.SlurmClusterResolver(**gpus, auto_set_gpu=not gpus)


def _split_cpu(parts: int, flag: str) -> None:
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        tf.config.set_logical_device_configuration(
            cpu, [tf.config.LogicalDeviceConfiguration()] * parts
        )
    except RuntimeError:
        if len(tf.config.list_logical_devices("CPU")) < parts:
            raise UserError(f"{flag}: TensorFlow runs already in this process") from None
