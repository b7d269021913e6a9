"""Outputs in an object store: built in a folder of this machine, each file put when it is whole.

    CACHE/outputs/s3/bucket/crops       what a command writes to, with its state
    CACHE/outputs/s3/bucket/crops/.build/put.jsonl   what was put, and what was about to be
    s3://bucket/crops                   the same files, but for the state

All that commands write gets its name when it is whole (``durable.files``), so whatever is not
hidden may be put at any time.  What closes a dataset is put last, and taken away before anything
that it speaks of changes.  A run that was killed, or whose network went, puts the rest next time.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.core.json_text import JsonError, loads
from database_tools.durable import files, locks
from database_tools.durable.folders import STATE
from database_tools.formats import crops_info, dataset_info
from database_tools.remote import RemotePath, access
from database_tools.work.stream import in_order

log = logging.getLogger(__name__)

CLOSING = ("splits.json", crops_info.NAME, dataset_info.NAME)
"""Files whose readers take what they speak of for complete; they are put in this order."""

_THREADS = 16
_EVERY = 30.0
"""Seconds between two looks at what is whole by now; as many as the last took, if that is more."""

State = tuple[int, int]
"""Size in bytes and time of change of a file of this machine."""


@contextlib.contextmanager
def staged(place: RemotePath, cache: Path, *, is_file: bool = False) -> Iterator[Path]:
    """Give a local path to write to; what is written there is put to ``place``.

    Args:
        place: the output.
        cache: folder of this machine that holds all that is staged.
        is_file: whether the output is a file; files that come beside it are put beside it.

    Raises:
        UserError: if the store refuses or does not answer, or holds what no run on this machine
            has put there; another run is writing to the same place.
    """
    scheme, _, rest = str(place).partition("://")
    stores = cache.absolute() / "outputs" / scheme
    local = stores / rest
    folder = local.parent if is_file else _staged_with(local, stores)
    root = f"{scheme}://{folder.relative_to(stores).as_posix()}"
    name = f"put-{place.name}" if is_file else "put"
    with locks.locked(folder / STATE / f"{name}.lock"):
        output = _Output(folder, root, folder / STATE / f"{name}.jsonl", deep=not is_file)
        output.look()
        log.info("%s is built in %s", place, local)
        with output.putting():
            yield local


def _staged_with(local: Path, stores: Path) -> Path:
    """Return the folder that was staged with this one in it, as a logdir with a run."""
    for parent in local.parents:
        if parent == stores:
            return local
        if (parent / STATE / "put.lock").exists():  # there before the first file is put
            return parent
    return local


@dataclass
class _Output:
    """A folder of this machine, and what of it is in the store.

    Attributes:
        folder: of this machine.
        address: of the store's folder.
        record: of what was put.
        deep: whether what is in subfolders is put too.
        put: what is there, with the state that was put; None where that may be another.
    """

    folder: Path
    address: str
    record: Path
    deep: bool
    put: dict[str, State | None] = field(default_factory=dict)

    def look(self) -> None:
        """Read the record, and ask the store whether all that it names is there."""
        with contextlib.suppress(FileNotFoundError), self.record.open("rb") as lines:
            for line in lines:
                try:
                    name, state = loads(line.decode("utf-8"))
                except (JsonError, ValueError, TypeError):
                    break  # cut off by a kill
                self.put[name] = None if state is None else (state[0], state[1])
        there = access.below(self.address)
        strange = sorted(set(there) - set(self.put)) if self.deep else []
        if strange:
            raise UserError(
                f"{self.address}: holds {strange[0]}, which no run of this machine put there; go "
                "on where it was written, or from a copy on a disk, or choose an empty place"
            )
        self.put = {
            name: state if state is not None and state[0] == there[name].size else None
            for name, state in self.put.items()
            if name in there
        }

    @contextlib.contextmanager
    def putting(self) -> Iterator[None]:
        """Put while the block runs what is whole, and the rest at its end."""
        over = threading.Event()
        thread = threading.Thread(target=self._keep_putting, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        except UserError:
            # --strict, for one, complains when all is written
            over.set()
            thread.join()
            with contextlib.suppress(UserError):
                self.bring(last=True)
            raise
        finally:
            over.set()
        thread.join()
        self.bring(last=True)
        log.info("%d files are in %s", len(self.put), self.address)

    def bring(self, *, last: bool) -> None:
        """Put what is new; what closes the dataset only at the end."""
        here = self._whole()
        new = [name for name, state in here.items() if self.put.get(name) != state]
        gone = [name for name in self.put if name not in here]
        outdated = [n for n in self.put if _rank(n) and (n in new or n in gone)]
        if new or gone:
            self._remove([*outdated, *(name for name in gone if name not in outdated)])
        bulk = [name for name in new if not _rank(name)]
        self._put(bulk, here)
        if last:
            for name in sorted((name for name in new if _rank(name)), key=_rank):
                self._put([name], here)

    def _keep_putting(self, over: threading.Event) -> None:
        pause = _EVERY
        while not over.wait(pause):
            begun = time.monotonic()
            try:
                self.bring(last=False)
            except UserError as error:
                log.warning("WARNING: %s", error)  # tried again, at the end for the last time
            pause = max(_EVERY, time.monotonic() - begun)

    def _put(self, names: Sequence[str], here: dict[str, State]) -> None:
        self._note([(name, None) for name in names])  # before: else it may be a stranger's

        def put(name: str) -> None:
            access.put(self.folder / name, f"{self.address}/{name}")

        with ThreadPoolExecutor(_THREADS, "put") as threads:
            for name, _ in in_order(threads, put, zip(names, names, strict=True)):
                self._note([(name, here[name])])

    def _remove(self, names: Sequence[str]) -> None:
        """Take files away; the record keeps their names, as those of files that were ours."""
        for name in names:
            access.remove(f"{self.address}/{name}")
            del self.put[name]

    def _note(self, rows: Sequence[tuple[str, State | None]]) -> None:
        if not rows:
            return
        self.put.update(rows)
        text = "".join(f"{json.dumps(row)}\n" for row in rows)
        with files.writing_below(self.record), self.record.open("a", encoding="ascii") as file:
            file.write(text)
            file.flush()
            if rows[0][1] is None:
                os.fsync(file.fileno())

    def _whole(self) -> dict[str, State]:
        """Return the files that are put, by their relative names."""
        found: dict[str, State] = {}
        for here, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if self.deep and not name.startswith(".")]
            within = Path(here).relative_to(self.folder).as_posix()
            for name in names:
                if name.startswith(".") or name == "lock":
                    continue
                with contextlib.suppress(OSError):  # renamed meanwhile
                    seen = (Path(here) / name).stat()
                    relative = name if within == "." else f"{within}/{name}"
                    found[relative] = (seen.st_size, seen.st_mtime_ns)
        return found


def _rank(name: str) -> int:
    """Return 0 for what may be put at any time, else a place in the order of the end."""
    last = name.rpartition("/")[2]
    return CLOSING.index(last) + 1 if last in CLOSING else 0
