"""``.tflite`` files, without TensorFlow: for workers, which start in a fraction of a second.

``model.json`` lies beside the file; ``export_model.py`` writes both.  They take one picture at a
time: a graph with a fixed batch of one is given to XNNPACK whole, and larger batches are no
faster.  Several processors are kept busy by an interpreter on each: a thread's here, or a
process's, with ``threads=1``.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from tf_classification.models import description as descriptions
from tf_classification.models.description import Description
from tf_classification.predictor import preparation
from tf_classification.predictor.predictor import Floats, Levels, Pictures, Predictor

FACTS = "model.json"


class LiteRT(Predictor):
    """A file with its description.

    Attributes:
        description: what the bundle says that it was made from.
        backbone: SHA-256 of that bundle's weights below the last layer, which lie beside the file;
            None where none do.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        self.description, self.backbone = _facts(path)
        described = self.description
        super().__init__(path, described.labels, described.image_size, described.crop_recipe)
        self.thresholds = described.thresholds
        self._runner = runner = LiteRTRunner(path, threads)
        side, number = described.image_size, len(described.labels)
        shape = (1, side, side, 3)
        given = {"image_size": (shape, runner.shape), "num_labels": (number, runner.widths[0])}
        for fact, (said, found) in given.items():
            if said != found:  # files of before they had fingerprints, or of other programs
                rule = f"{said}, but that of {path.name} is {found}: export it anew"
                raise FormatError(path.with_name(FACTS), fact, rule)

    def _pixels(self, encoded: bytes) -> Levels:
        return preparation.prepare(encoded, self.description)

    def of_pixels(self, pixels: Pictures) -> Floats:
        """Classify (N, side, side, 3) 0..255."""
        return self.description.calibration.probabilities(self.logits(pixels))

    def logits(self, pixels: Pictures) -> Floats:
        """Return the logits of (N, side, side, 3) 0..255."""
        return self._runner(pixels)

    @property
    def width(self) -> int:
        """Number of features F; 0 for a file that gives none."""
        return sum(self._runner.widths[1:])

    def features(self, pixels: Pictures) -> Floats:
        """Return the averaged features (N, F) of (N, side, side, 3) 0..255."""
        return self._runner(pixels, 1) if self.width else super().features(pixels)


def _facts(path: Path) -> tuple[Description, str | None]:
    """Read the description beside a file; refuse that of another file, or a changed one."""
    beside = path.with_name(FACTS)
    description, table = descriptions.read_facts(beside)
    for name in ("files", "resizes", "fingerprints"):
        if not isinstance(table.get(name, {}), dict):
            raise FormatError(beside, name, "must be an object")
    if path.name not in table.get("files", {}).values():
        raise FormatError(beside, "files", f"{path.name} is not among them")
    if (known := table.get("fingerprints")) is not None:  # older ones have none
        found = {"description": descriptions.fingerprint(table), path.name: files.sha256(path)}
        for name, digest in found.items():
            if digest != known.get(name):
                rule = "it was changed after it was exported, or is of another model"
                raise FormatError(beside, f"fingerprints.{name}", rule)
    if (resize := table.get("resizes", {}).get(path.name)) is None:
        return description, table.get("backbone")
    try:
        return replace(description, resize=resize), table.get("backbone")
    except ValueError as error:
        raise FormatError(beside, f"resizes.{path.name}", str(error)) from None


class LiteRTRunner:
    """Runs a file on several processors.

    Args:
        path: the ``.tflite`` file.
        threads: interpreters at work at a time; None for one for each processor.

    Attributes:
        shape: of the picture that it takes, (1, side, side, 3).
        widths: length of each output: labels, and features if there are.

    Raises:
        UserError: if it is no such file.
    """

    def __init__(self, path: Path, threads: int | None = None) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise UserError(f"{path} needs pip install 'tf-classification[litert]'") from None
        self._make = Interpreter
        self._content = path.read_bytes()
        try:
            plain = Interpreter(model_content=self._content)  # 2 ms and no memory: not allocated
        except ValueError as error:
            raise UserError(f"{path}: no .tflite file that can be run: {error}") from None
        self.shape = tuple(plain.get_input_details()[0]["shape"].tolist())
        self.widths = tuple(int(one["shape"][-1]) for one in plain.get_output_details())
        self._threads = threads or os.cpu_count() or 1
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="litert")
        self._own = threading.local()

    def __call__(self, pixels: Pictures, output: int = 0) -> Floats:
        """Turn N pictures, (side, side, 3) 0..255 each, into logits (N, labels), or features."""
        one = partial(self.one, output=output)
        return np.stack(list((map if self._threads == 1 else self._executor.map)(one, pixels)))

    def one(self, pixels: npt.NDArray[Any], output: int = 0) -> Floats:
        """Turn one (side, side, 3) into its logits (labels,), in the calling thread."""
        interpreter, taken, given = self._interpreter()
        taken()[0] = pixels  # where they belong: not as float32 first
        interpreter.invoke()
        return np.array(interpreter.get_tensor(given[output])[0])

    def _interpreter(self) -> tuple[Any, Callable[[], npt.NDArray[np.float32]], list[int]]:
        """Return this thread's own interpreter, which cannot be shared, and its tensors."""
        if not hasattr(self._own, "ready"):
            interpreter = self._make(model_content=self._content, num_threads=1)
            interpreter.allocate_tensors()
            taken = interpreter.tensor(interpreter.get_input_details()[0]["index"])
            given = [one["index"] for one in interpreter.get_output_details()]
            self._own.ready = interpreter, taken, given
        return self._own.ready
