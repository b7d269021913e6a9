"""``run_classifier.py``: from crops, or pictures with detections, to a CSV of probabilities.

The crops are asked about in units (``units``), by threads that share one model; what a unit
answered is kept in ``OUT.units`` beside the output until all are there, and then joined in order.
Each unit has the same answer whoever computes it, so the output has the same bytes for one thread
or many, and after any number of kills.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.core.ledger import Drops, Ledger
from database_tools.crops import of_detections
from database_tools.durable import files, locks
from database_tools.formats import classifier_csv, label_index, ledger_json, unknown_csv
from tf_classification import predictor
from tf_classification.models import bundle, torch_files
from tf_classification.predictions.request import RunRequest
from tf_classification.predictor import Predictor, listing, units
from tf_classification.predictor.asking import Asked, Asker, Progress, Reading
from tf_classification.predictor.units import Answer, Unit, Units

log = logging.getLogger(__name__)

STAGE = "run_classifier"


class NoCrops(UserError):  # noqa: N818 - one of the kinds of a mistake
    """There is nothing to ask about."""


def run(asked: RunRequest, progress: Progress, *, keep: bool = False) -> Ledger:
    """Do what the command is asked for, and return the account of its crops.

    Args:
        asked: the request.
        progress: wraps crops that are done, ``progress(crops, total=..., desc=...)``.
        keep: leave the answers where they are, for the next run.

    Raises:
        NoCrops: if there is no crop.
        UserError: if model and request do not fit, or no crop can be read.
    """
    listing.check(asked)
    model = open_model(asked)
    recipe = listing.recipe(asked, model)
    folder = asked.output.with_name(f"{asked.output.name}.units")
    with files.writing_below(folder), locks.locked(folder / "lock"):
        files.remove_leftovers(folder)
        question: list[object] = [_fingerprint(model.path), recipe and recipe.as_json()]
        question += [asked.batch_size, *(["unknown"] if asked.unknown else [])]
        with listing.sources_of(asked) as found:
            units_of_run = Units(found, asked.root, question, folder)
        with contextlib.closing(units_of_run) as listed:
            if not listed.crops:
                _clear(folder)
                raise NoCrops(listing.nothing(asked))
            if asked.crops_dir is not None:
                stage = of_detections.STAGE
                if said := ledger_json.disagreement(asked.crops_dir, stage, listed.crops):
                    log.warning("WARNING: %s crops", said)
            _ask(asked, model, recipe, listed, folder, progress)
            ledger = _join(asked, model.labels, listed, folder)
            _clear(folder, {unit.name for unit in listed} if keep else ())
    if not keep:
        folder.rmdir()
    return ledger


def open_model(asked: RunRequest) -> Predictor:
    """Open the model, a ``.pt`` after it is imported; refuse what does not fit it."""
    path = asked.model
    if path.suffix in torch_files.SUFFIXES:
        from tf_classification.models import efficientnet_pytorch

        index = asked.classifier_categories
        path = efficientnet_pytorch.import_once(path, index, asked.output.parent)
    elif path.is_file() and path.suffix != ".tflite":
        raise UserError(f"{path}: expected a model bundle, .tflite or .pt")
    model = predictor.open(path, threads=1)
    if asked.classifier_categories is not None:
        names = label_index.read(asked.classifier_categories)
        bundle.check_labels(model.path, model.labels, names, str(asked.classifier_categories))
    if asked.image_size not in (None, model.image_size):
        raise UserError(
            f"--image-size {asked.image_size}: {model.path} takes {model.image_size} pixels"
        )
    if asked.unknown and not model.tells_unknown:
        rule = "does not tell unknown animals: a bundle of train_head.py does"
        raise UserError(f"--unknown: {model.path} {rule}")
    return model


def _fingerprint(model: Path) -> list[str]:
    """Return digests of all that a model's answers depend on."""
    if model.is_dir():  # its description has those of all its files
        return [files.sha256(model / bundle.DESCRIPTION)]
    return [files.sha256(model), files.sha256(model.with_name("model.json"))]


def _ask(
    asked: RunRequest,
    model: Predictor,
    recipe: CropRecipe | None,
    listed: Units,
    folder: Path,
    progress: Progress,
) -> None:
    """Ask about the units that have no answer yet."""
    done: set[str] = set()
    known = 0
    for unit in listed:
        if units.is_answered(_path(folder, unit)):
            done.add(unit.name)
            known += len(unit.crops)
    if known:
        log.info("going on: %s of %s crops have their answer", f"{known:,}", f"{listed.crops:,}")

    def keep(unit: Unit, answer: Answer) -> None:
        units.write(_path(folder, unit), answer)

    opening = Opening(model.path.absolute(), tuple(_fingerprint(model.path)), asked.unknown)
    reading = Reading(asked.root, recipe, asked.batch_size)
    asker = Asker(_asked(model, unknown=asked.unknown), opening, reading, keep)
    waiting = (unit for unit in listed if unit.name not in done)
    crops = asker.ask(waiting, asked.num_workers, asked.dask_scheduler)
    for _ in progress(crops, total=listed.crops - known, desc="classifying"):
        pass


def _asked(model: Predictor, *, unknown: bool) -> Asked:
    question = model.with_unknown if unknown else model.of_pixels
    return Asked(model, question, (len(model.labels) + unknown,))


@dataclass(frozen=True)
class Opening:
    """How a worker of a cluster opens the model, which must be the same; see ``asking.Opening``."""

    path: Path
    fingerprint: tuple[str, ...]
    unknown: bool

    @property
    def needed(self) -> tuple[Path, ...]:
        """The model."""
        return (self.path,)

    def open(self) -> Asked:
        """Open the model; raise UserError if it is another one there."""
        if tuple(_fingerprint(self.path)) != self.fingerprint:
            raise UserError(f"{self.path}: a worker of the cluster has another model there")
        return _asked(predictor.open(self.path, threads=1), unknown=self.unknown)


def _path(folder: Path, unit: Unit) -> Path:
    return folder / f"{unit.name}{units.ENDING}"


def _join(asked: RunRequest, labels: Sequence[str], listed: Units, folder: Path) -> Ledger:
    """Write the output, and beside it the ledger and which animals are unknown."""
    drops, kept, output = Drops(), 0, asked.output
    with contextlib.ExitStack() as stack:
        table = stack.enter_context(classifier_csv.writing(output, labels))
        if asked.unknown:
            others = stack.enter_context(unknown_csv.writing(asked.unknown_table))
        for unit in listed:
            answer, crops = units.read(_path(folder, unit)), unit.crops
            names = [crops[row] for row in answer.rows]
            table.write(names, answer.values[:, : len(labels)])
            if asked.unknown:
                others(zip(names, answer.values[:, -1].tolist(), strict=True))
            kept += len(answer.rows)
            for row, reason in answer.reasons.items():
                drops.add(reason, crops[row])
        ledger = replace(drops.close(STAGE, listed.crops, kept), beside=listed.absent)
        path = ledger_json.write(output.parent, ledger)
        if not kept:
            raise UserError(f"none of {listed.crops:,} crops can be classified; see {path}")
    if not asked.unknown:
        asked.unknown_table.unlink(missing_ok=True)  # an earlier run's, of other probabilities
    if ledger.number_dropped or ledger.beside:
        said = ledger.summary(), ledger.summary_beside()
        log.warning("%s; see %s", "; beside them ".join(filter(None, said)), path)
    return ledger


def _clear(folder: Path, kept: Collection[str] = ()) -> None:
    """Delete the answers but some: of this run, and of others with the same output."""
    for path in folder.glob(f"*{units.ENDING}"):
        if path.stem not in kept:
            path.unlink()
    (folder / "lock").unlink(missing_ok=True)
