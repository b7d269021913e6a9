"""Two thirds of the time that TensorFlow's import takes, which many a short command spends most on.

While Keras is imported it looks for scikit-learn and Matplotlib, for wrappers and galleries that
nobody here uses: a fourth.  A tenth goes to searching what was just imported for garbage.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

_OPTIONAL = ("sklearn", "matplotlib")
_THRESHOLD = 100_000
"""Objects made between two searches for garbage; Python's 700 suit a program of thousands."""


class _NotForKeras(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        importing = getattr(getattr(sys.modules.get("keras"), "__spec__", None), "_initializing", 0)
        if name in _OPTIONAL and importing:
            raise ModuleNotFoundError(f"{name} is not for Keras", name=name)


@contextmanager
def quickly() -> Iterator[None]:
    """Import so within a block; whoever else asks for these libraries gets them."""
    finder, before = _NotForKeras(), gc.get_threshold()
    sys.meta_path.insert(0, finder)
    gc.set_threshold(_THRESHOLD, *before[1:])
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        gc.set_threshold(*before)
