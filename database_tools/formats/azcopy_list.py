"""``<dataset>_images.txt``: names of pictures to download, for AzCopy's ``--list-of-files``.

    cct_images/59f79901.jpg
    cct_images/59f79902.jpg

One name on each line, as it is in the dataset's container.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from database_tools.durable import files


def write(
    folder: Path, pictures: Iterable[tuple[str, str, bool]]
) -> tuple[Counter[str], list[str]]:
    """Write a list for each dataset, all of them or none, of (dataset, name, whether it is wanted).

    Returns:
        How many names each dataset's list has, which may be 0; and the pictures that are wanted
        but whose names a list cannot hold, as they have a line break.
    """
    counts: Counter[str] = Counter()
    lost: list[str] = []
    with contextlib.ExitStack() as stack:
        lists: dict[str, IO[str]] = {}
        for dataset, name, wanted in pictures:
            if dataset not in lists:
                path = folder / f"{dataset}_images.txt"
                lists[dataset] = stack.enter_context(files.writing(path, "surrogateescape"))
                counts[dataset] = 0
            if wanted and len(name.splitlines()) != 1:
                lost.append(f"{dataset}/{name}")
            elif wanted:
                lists[dataset].write(f"{name}\n")
                counts[dataset] += 1
    return counts, lost
