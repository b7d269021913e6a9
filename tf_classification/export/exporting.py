"""What ``export_model.py`` does: a bundle from a training run, and other formats from a bundle.

In the output folder: ``bundle/1`` of a training run; a file for each other format; ``model.json``,
the bundle's description with what is to be known of the files' input and output; ``formats.csv``,
what each format gives and costs.
"""

from __future__ import annotations

import csv
import io
import logging
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from database_tools.core.errors import UserError
from database_tools.durable import files
from tf_classification import predictor
from tf_classification.data.examples import Dataset
from tf_classification.embeddings import backbone, store
from tf_classification.export import comparison, crops, litert, onnx_file, openvino_file
from tf_classification.export.comparison import Row, Run
from tf_classification.export.crops import Sample
from tf_classification.export.request import ExportRequest
from tf_classification.export.table import FORMATS
from tf_classification.models import bundle, checkpoint
from tf_classification.models import description as descriptions
from tf_classification.models.bundle import Bundle
from tf_classification.models.description import RESIZE, RESIZE_ROUNDED, Description
from tf_classification.models.signatures import Loaded
from tf_classification.models.table import NETWORKS
from tf_classification.predictor import saved_model
from tf_classification.runs import config as params
from tf_classification.runs import dataset as run_dataset
from tf_classification.runs import network
from tf_classification.runs.config import TrainConfig

log = logging.getLogger(__name__)

_FOLDERS = ("dataset_dir", "cropped_images_dir", "tfrecords")
_EMBEDDING = {"litert", "litert-int8"}
"""Formats that embed crops; a head that learns from them needs the network's weights, too."""
_RUNNERS: dict[str, Callable[[Path], Run]] = {
    "onnx": onnx_file.OnnxRunner,
    "openvino": openvino_file.OpenVinoRunner,
}


def export(asked: ExportRequest) -> list[Row]:
    """Write what is asked for.

    Returns:
        The table of formats, the SavedModel first; empty when there were no crops to compare
        them on, or nothing to compare.

    Raises:
        UserError: if files do not fit each other, or int8 has no crops to be calibrated on.
    """
    source = _bundle(asked)
    if not asked.formats:
        return []
    opened = saved_model.SavedModel(source)
    sample = _sample(asked, opened)
    # Of slim_legacy's networks there are only the signatures.
    known = source.description.network in NETWORKS
    model = source.network() if known else Loaded(source.path)
    files.make_folder(asked.output_dir)
    for name in asked.formats:
        path = asked.output_dir / FORMATS[name].file
        log.info("writing %s", path)
        write(name, model, path, sample and sample.first(asked.calibration_crops))
    facts = _facts(source, asked)
    plain = source.description.views == 1 and isinstance(model, keras.Model)
    if plain and _EMBEDDING.intersection(asked.formats):
        beside = asked.output_dir / store.WEIGHTS
        backbone.save(model, beside)
        facts["backbone"] = files.sha256(beside)
    _describe(asked.output_dir / "model.json", facts)
    if sample is None:
        log.warning("no validation crops given, so the formats are not compared")
        return []
    rows = comparison.compare(_runs(opened, asked), sample)
    files.write_text(asked.output_dir / "formats.csv", _csv(rows))
    return rows


def _bundle(asked: ExportRequest) -> Bundle:
    if asked.ckpt_path is None:
        return bundle.read(asked.source)
    config = params.read(asked.source)
    labels, origin = run_dataset.labels(config)
    expected = network.describe(config, labels)
    read = network.read(asked.source.parent, asked.ckpt_path, expected, origin)
    written = checkpoint.export(read, read.description, asked.output_dir / "bundle")
    log.info("model bundle: %s", written.path)
    return written


def _sample(asked: ExportRequest, model: saved_model.SavedModel) -> Sample | None:
    """Draw validation crops; None if nobody says where they are."""
    found = _dataset(asked, model.bundle)
    if found is None:
        if "litert-int8" in asked.formats:
            where = "give --dataset-dir and --cropped-images-dir, or --tfrecords"
            raise UserError(f"--format litert-int8 is calibrated on validation crops: {where}")
        return None
    dataset, origin = found
    model.bundle.check_labels(dataset.label_names, origin)
    count = max(asked.calibration_crops, asked.compared_crops)
    return crops.draw(dataset.splits["val"], model, count)


def _dataset(asked: ExportRequest, source: Bundle) -> tuple[Dataset, str] | None:
    """Load the dataset of the flags, or else that of the training, if it is still there."""
    config = _trained(asked, source)
    if config is None:
        return None
    try:
        config.check_inputs(begun=True)
    except UserError as error:
        log.warning("%s", error)
        return None
    return run_dataset.load(config, training=False), str(config.tfrecords or config.dataset_dir)


def _trained(asked: ExportRequest, source: Bundle) -> TrainConfig | None:
    """Return where the crops are: by the flags, by the run, or by an old bundle itself."""
    trained = source.description.parameters
    how: dict[str, Any] = {
        name: trained[name] for name in ("val_fraction", "seed", "min_crops") if name in trained
    }
    # Those that a run leaves out are known by the labels that it keeps.
    how["labels"] = source.description.labels if how.get("min_crops") else None
    given = {name: getattr(asked, name) for name in _FOLDERS}
    if not any(given.values()):
        run = asked.source if asked.ckpt_path else source.base.parent / params.PARAMS
        if run.is_file():
            return params.read(run)
        given = {name: trained.get(name) for name in _FOLDERS}
        if not all(Path(str(path)).is_absolute() for path in given.values() if path):
            return None
    folders: dict[str, Any] = {name: str(path) for name, path in given.items() if path}
    return TrainConfig(**folders, **how) if folders else None


def write(name: str, network: keras.Model | Loaded, path: Path, sample: Sample | None) -> None:
    """Write one format.

    Args:
        name: key of ``FORMATS``.
        network: raw RGB float32 0..255 to logits.
        path: the file; OpenVINO writes another one with the end ``.bin``.
        sample: crops that int8 takes its ranges from.
    """
    if name == "openvino":
        _write_openvino(network, path)
    elif name == "onnx":
        files.write_bytes(path, onnx_file.convert(network))
    elif name == "litert-int8" and sample is not None:
        files.write_bytes(path, litert.convert_int8(network, sample.pixels))
    else:
        files.write_bytes(path, litert.convert(network))


def _write_openvino(network: keras.Model | Loaded, path: Path) -> None:
    """Write the two files of the format; the one that names the other is renamed last."""
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=path.parent) as folder:
        draft = Path(folder) / path.name
        openvino_file.convert(network, draft)
        draft.with_suffix(".bin").replace(path.with_suffix(".bin"))
        draft.replace(path)


def _facts(source: Bundle, asked: ExportRequest) -> dict[str, Any]:
    described, named = source.description, {name: FORMATS[name].file for name in asked.formats}
    side = described.image_size
    # The input of int8 is rounded in any case, and resizing to whole levels takes half the time.
    rounded = "litert-int8" in named and described.resize == RESIZE
    return described.to_json() | {
        "bundle": files.sha256(source.path / bundle.DESCRIPTION),
        "files": named,
        "resizes": {FORMATS["litert-int8"].file: RESIZE_ROUNDED} if rounded else {},
        "fingerprints": {file: files.sha256(asked.output_dir / file) for file in named.values()},
        "input": {"shape": ["N", side, side, 3], "dtype": "float32", "values": "RGB, 0 to 255"},
        "output": "logits; divide by the temperature and apply softmax, then the curves if any; "
        "of .tflite files features averaged over the picture too, second",
    }


def _describe(path: Path, facts: dict[str, Any]) -> None:
    """Write what is to be known of the files, beside what another run said of the same bundle's."""
    before = files.read_own(path)
    if isinstance(before, dict) and before.get("bundle") == facts["bundle"]:
        for name in ("files", "resizes", "fingerprints"):
            facts[name] = before.get(name, {}) | facts[name]
        facts = before | facts
    facts["fingerprints"]["description"] = descriptions.fingerprint(facts)
    files.write_json(path, facts)


def _runs(model: saved_model.SavedModel, asked: ExportRequest) -> dict[str, Run]:
    """Name each format's function from pixels to probabilities."""
    runs: dict[str, Run] = {"savedmodel": model.of_pixels}
    for name in asked.formats:
        path = asked.output_dir / FORMATS[name].file
        if name in _RUNNERS:
            runs[name] = _calibrated(_RUNNERS[name](path), model.bundle.description)
        else:
            runs[name] = predictor.open(path).of_pixels
    return runs


def _calibrated(logits: Run, description: Description) -> Run:
    return lambda pixels: description.calibration.probabilities(logits(pixels))


def _csv(rows: list[Row]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(asdict(rows[0])), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()
