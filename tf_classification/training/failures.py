"""What TensorFlow says when memory is out or another machine is gone, as one line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from database_tools.core.errors import UserError
from tf_classification.runs import strategies

# What a reader of pictures says of a store, on its way through a graph.
_OURS = re.compile(r"\bUserError: (.+)")

# XLA and collective operations hand it on under other kinds of errors.
_OUT_OF_MEMORY = re.compile(r"\bOOM\b|out of memory|failed to allocate|RESOURCE_EXHAUSTED", re.I)


class LostWorker(UserError):  # noqa: N818 - nobody's mistake
    """Another worker is gone, or began otherwise: all of them are to be started again."""

    status = 75  # sysexits.h: try again


@contextmanager
def named(strategy: tf.distribute.Strategy, batch_size: int) -> Iterator[None]:
    """Turn what the user can mend into one line; bugs keep their traceback.

    Raises:
        UserError: if memory is out.
        LostWorker: if another worker was lost.
    """
    try:
        yield
    except MemoryError as error:
        raise _out_of_memory(batch_size) from error
    except tf.errors.OpError as error:
        said = str(error.message)
        if isinstance(error, tf.errors.ResourceExhaustedError) or _OUT_OF_MEMORY.search(said):
            raise _out_of_memory(batch_size) from error
        if (ours := _OURS.search(said)) is not None:
            raise UserError(ours[1]) from error
        if strategies.worker_of(strategy)[1] == 1:
            raise
        raise LostWorker(
            "another worker was lost; start all of them again with --resume LOGDIR"
            f" ({said.splitlines()[0][:120]})"
        ) from error


def _out_of_memory(batch_size: int) -> UserError:
    return UserError(
        f"out of memory with --batch-size {batch_size}: try a smaller --batch-size, or a smaller"
        " --image-size or --model-name"
    )
