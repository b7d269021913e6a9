"""Opens a model by what its path is."""

from __future__ import annotations

from pathlib import Path

from database_tools.core.errors import UserError
from database_tools.formats import classlist
from tf_classification.models import bundle, torch_files
from tf_classification.predictor import asking
from tf_classification.predictor.predictor import Predictor


def open(path: Path, classes_file: Path | None = None, threads: int | None = None) -> Predictor:
    """Open a model bundle, of ``slim_legacy`` or not, a ``.tflite`` or a frozen graph (``.pb``).

    Args:
        path: folder of a bundle or of one of its versions, or the file.
        classes_file: names of a frozen graph's classes, one a line; other models have their own,
            and refuse others.
        threads: that the model computes in at a time; None for one for each processor, 1 for the
            caller's own, so that several callers share the processors.

    Raises:
        UserError: if there is no such model, or the names do not fit.
    """
    names = None if classes_file is None else tuple(classlist.read(classes_file))
    if not path.exists():
        raise UserError(f"{path}: no such model")
    if path.suffix in torch_files.SUFFIXES:
        advice = "import_pytorch_checkpoint.py turns a PyTorch checkpoint into a bundle"
        raise UserError(f"{path}: expected a model bundle, .tflite or .pb; {advice}")
    if path.is_dir():
        checked = bundle.read(path)  # before TensorFlow is loaded
        if threads == 1:
            asking.share_processors()
        from tf_classification.predictor import saved_model

        opened: Predictor = saved_model.SavedModel(checked)
    elif path.suffix == ".tflite":
        from tf_classification.predictor import litert

        opened = litert.LiteRT(path, threads)
    else:
        from tf_classification.predictor import frozen_graph

        if names is None:
            raise UserError(f"{path}: a frozen graph has no names of classes; give --classes_file")
        return frozen_graph.FrozenGraph(path, names, str(classes_file))
    if names is not None:
        bundle.check_labels(path, opened.labels, names, str(classes_file))
    return opened
