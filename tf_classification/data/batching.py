"""How a stream of examples is cut into batches for one or many workers."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np

from database_tools.core.sampling import Indices


@dataclass(frozen=True)
class Batching:
    """How examples are cut into batches, and by how many hands.

    Attributes:
        size: rows of a global batch, over all workers and replicas.
        image_size: side of the pictures in pixels.
        worker: number of this worker, from 0.
        workers: number of workers.
        threads: pictures decoded at a time.
    """

    size: int
    image_size: int
    worker: int = 0
    workers: int = 1
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        if self.size % self.workers:
            raise ValueError(f"a batch of {self.size} does not divide by {self.workers} workers")

    @property
    def local_size(self) -> int:
        """Rows of this worker's part of a batch."""
        return self.size // self.workers

    @property
    def part(self) -> slice:
        """This worker's rows of a global batch."""
        return slice(self.worker * self.local_size, (self.worker + 1) * self.local_size)

    def steps(self, rows: int) -> int:
        """Return the number of batches that ``rows`` fill, the last one perhaps in part."""
        return -(-rows // self.size)

    def take(self, rows: Indices, step: int) -> Indices:
        """Return the rows of a step's global batch, (size,), -1 where there are no more."""
        found = rows[step * self.size : (step + 1) * self.size]
        return np.pad(found, (0, self.size - len(found)), constant_values=-1)
