"""A network as ``export_model.py`` converts it: its features in int8 too, without TensorFlow.

In int8 they are not quite those of the bundle's network, so embeddings of a file are its own.  The
weights of that network lie beside the file: a head becomes a whole model by them.
"""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files
from tf_classification.embeddings import store
from tf_classification.predictor.litert import FACTS, LiteRT


class Converted(LiteRT):
    """A ``.tflite`` that gives features; asked like ``backbone.Backbone``."""

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise UserError(f"{path}: no such model")
        super().__init__(path, threads=1)
        if self.backbone is None or not self.width:
            rule = "export_model.py writes one that does, of a network of the table with one view"
            raise UserError(f"{path} gives no features to learn from: {rule}")
        self._weights = path.with_name(store.WEIGHTS)
        if files.sha256(self._weights) != self.backbone:
            raise FormatError(path.with_name(FACTS), "backbone", f"{store.WEIGHTS} is another")

    def weights_digest(self) -> str:
        """Return the SHA-256 of the file."""
        return files.sha256(self.path)

    def save(self, path: Path) -> None:
        """Copy the network's ``.weights.h5`` of all layers but the last."""
        files.write_bytes(path, self._weights.read_bytes())
