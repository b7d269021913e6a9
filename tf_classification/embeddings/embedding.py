"""``embed_crops.py``: from crops to features on the disk, each crop's once.

A run lists its crops, asks the network in units about those that nothing is known of yet, and
leaves an index of where the rows of all are.  Each unit is kept for good before the next run may
see it, so a run that was killed goes on, and its shards have the bytes of an undisturbed one.
"""

from __future__ import annotations

import contextlib
import logging
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from database_tools.core import reasons
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import UserError
from database_tools.core.ledger import Drops, Ledger
from database_tools.durable import files, locks
from database_tools.formats import crops_info, dataset_info, ledger_json
from tf_classification.data.examples import Columns
from tf_classification.embeddings import index, store
from tf_classification.embeddings.request import EmbedRequest
from tf_classification.embeddings.store import Facts, Rows
from tf_classification.models import bundle
from tf_classification.predictor import asking, listing, sources
from tf_classification.predictor.asking import Asked, Asker, Progress, Reading
from tf_classification.predictor.predictor import Floats, Pictures
from tf_classification.predictor.sources import Found, Source
from tf_classification.predictor.units import Answer, Unit, Units

if TYPE_CHECKING:
    from tf_classification.embeddings.backbone import Backbone
    from tf_classification.embeddings.converted import Converted

log = logging.getLogger(__name__)


def run(asked: EmbedRequest, progress: Progress) -> tuple[Path, Ledger]:
    """Do what the command is asked for.

    Args:
        asked: the request.
        progress: wraps crops that are done, ``progress(crops, total=..., desc=...)``.

    Returns:
        the folder of the embeddings, and the account of the crops.

    Raises:
        UserError: if there is no crop, none can be read, or the model cannot embed.
    """
    _check(asked)
    opening = Opening.of(asked)
    model = opening.model()
    recipe = _recipe(asked, model)
    facts = _facts(model, recipe, asked.views)
    folder = asked.output / facts.folder
    with files.writing_below(folder), locks.locked(folder / "lock"):
        files.remove_leftovers(folder)
        files.remove_leftovers(folder / store.SHARDS)
        _begin(folder, facts, model)
        rows, listed = Rows(folder), Listed(asked.root)
        with _sources(asked) as found:
            missing = listed.without_known(found, rows)
            units = Units(missing, asked.root, facts.fingerprint, folder)
        with contextlib.closing(units):
            if not len(listed):
                raise UserError(_nothing(asked))
            cut = recipe if asked.images_dir is not None else None
            opening = replace(opening, weights=facts.weights)
            asker = _asker(asked, opening, model, cut, folder)
            crops = asker.ask(units, asked.num_workers, asked.dask_scheduler)
            for _ in progress(crops, total=units.crops, desc="embedding"):
                pass
            return folder, _account(listed, units, folder)


def _check(asked: EmbedRequest) -> None:
    if asked.tfrecords is not None:
        dataset_info.read(asked.tfrecords)
    elif asked.table is None:
        listing.check(asked)


@dataclass(frozen=True)
class Opening:
    """How the network is opened, here or by a worker of a cluster; see ``asking.Opening``.

    Attributes:
        bundle: whose network it is, or a ``.tflite``; None for one of the table.
        name: of the table.
        pretrained: its weights, as ``EmbedRequest`` says.
        views: of each crop.
        weights: digest that they must have; None for any.
    """

    bundle: Path | None
    name: str | None
    pretrained: bool | str
    views: int
    weights: str | None = None

    @classmethod
    def of(cls, asked: EmbedRequest) -> Opening:
        """Return what a request says."""
        path, weights = asked.model and asked.model.absolute(), asked.pretrained
        weights = str(Path(weights).absolute()) if isinstance(weights, str) else weights
        return cls(path, asked.model_name, weights, asked.views)

    @property
    def needed(self) -> tuple[Path, ...]:
        """The bundle, or the weights."""
        weights = Path(self.pretrained) if isinstance(self.pretrained, str) else None
        return tuple(path for path in (self.bundle, weights) if path is not None)

    def model(self) -> Backbone | Converted:
        """Open the network."""
        if self.bundle is not None and self.bundle.suffix == ".tflite":
            from tf_classification.embeddings import converted

            return converted.Converted(self.bundle)
        checked = None if self.bundle is None else bundle.read(self.bundle)
        # TensorFlow waits for what can be refused
        from tf_classification.embeddings import backbone

        asking.share_processors()
        if checked is not None:
            return backbone.of_bundle(checked)
        return backbone.of_table(str(self.name), self.pretrained)

    def open(self) -> Asked:
        """Open the network and what it is asked; raise UserError if it is another one there."""
        model = self.model()
        if model.weights_digest() != self.weights:
            raise UserError(f"{model.path}: a worker of the cluster has other weights there")
        return _asked(model, self.views)


def _recipe(asked: EmbedRequest, model: Backbone | Converted) -> CropRecipe | None:
    """Return how the crops are, or were, cut; None if nobody knows."""
    if asked.tfrecords is not None:
        return dataset_info.read(asked.tfrecords).recipe
    if (cut := listing.recipe(asked, model)) is not None:
        return cut
    made = crops_info.read(asked.root)
    return None if made is None else made.recipe


def _facts(model: Backbone | Converted, recipe: CropRecipe | None, views: int) -> Facts:
    described = model.description
    return Facts(
        network=described.network,
        image_size=described.image_size,
        conv_padding=described.conv_padding,
        resize=described.resize,
        weights=model.weights_digest(),
        crop_recipe=recipe,
        views=views,
        features=model.width,
        file=model.path.name if model.path.suffix == ".tflite" else None,
    )


def _begin(folder: Path, facts: Facts, model: Backbone | Converted) -> None:
    """Write what the rows are of, unless it is there."""
    if not (folder / store.WEIGHTS).exists():
        model.save(folder / store.WEIGHTS)
    if not (folder / store.FACTS).exists():
        files.write_json(folder / store.FACTS, facts.as_json(), lasting=True)


@contextlib.contextmanager
def _sources(asked: EmbedRequest) -> Iterator[Iterator[Found]]:
    if asked.table is not None:
        yield sources.of_table(asked.table)
    elif asked.tfrecords is not None:
        yield sources.records(asked.tfrecords)
    else:
        with listing.sources_of(asked) as found:
            yield found


def _nothing(asked: EmbedRequest) -> str:
    place = asked.table or asked.tfrecords
    return listing.nothing(asked) if place is None else f"{place}: no crop in it"


class Listed:
    """The crops of a run in their order: a name and some numbers for each, no features."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys = array("Q")
        self._columns = Columns()
        self._places: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self.keys)

    def without_known(self, found: Iterable[Found], rows: Rows) -> Iterator[Found]:
        """Note every crop; yield what has no row yet."""
        for one in found:
            if not isinstance(one, Source):
                yield one
                continue
            known_as = store.keys(self.root, one)
            self._note(one, known_as)
            new = [i for i, key in enumerate(known_as) if not rows.has(key)]
            if new:
                yield one if len(new) == len(known_as) else _part(one, new)

    def _note(self, source: Source, known_as: list[int]) -> None:
        place = self._places.setdefault(source.location, len(self._places))
        unknown = (float("nan"),) * len(source.crops)
        sure = source.confidences or unknown
        for crop, key, confidence in zip(source.crops, known_as, sure, strict=True):
            self.keys.append(key)
            self._columns.add(crop, 0, place, confidence)

    def close(self) -> index.Crops:
        """Return what was noted."""
        columns = self._columns.close(lambda keys: lambda rows: [])
        return index.Crops(
            columns.keys, columns.confidences, columns.locations, tuple(self._places)
        )


def _part(source: Source, rows: list[int]) -> Source:
    """Return a picture with some of its boxes only."""

    def chosen(values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        return values and tuple(values[i] for i in rows)

    crops = chosen(source.crops) or ()
    sure = chosen(source.confidences)
    return replace(source, crops=crops, boxes=chosen(source.boxes), confidences=sure)


def _asked(model: Backbone | Converted, views: int) -> Asked:
    def features(pixels: Pictures) -> Floats:
        plain = np.asarray(pixels)
        mirrored = [plain, plain[:, :, ::-1]][:views]
        return np.stack([model.features(view) for view in mirrored], axis=1)

    return Asked(model, features, (views, model.width))


def _asker(
    asked: EmbedRequest,
    opening: Opening,
    model: Backbone | Converted,
    cut: CropRecipe | None,
    folder: Path,
) -> Asker:
    def keep(unit: Unit, answer: Answer) -> None:
        known_as = [key for source in unit.sources for key in store.keys(asked.root, source)]
        store.write_shard(folder, unit, known_as, answer)

    reading = Reading(asked.root, cut, asked.batch_size)
    return Asker(_asked(model, asked.views), opening, reading, keep)


def _account(listed: Listed, units: Units, folder: Path) -> Ledger:
    """Write the index of what there is, and the ledger of what there is not."""
    rows, crops = Rows(folder), listed.close()
    keys = np.array(listed.keys, np.uint64)
    shard, row = rows.find(keys)
    drops = Drops()
    for i in np.flatnonzero(shard < 0):
        # a file that changed while it was read has another key by now
        drops.add(rows.reason(int(keys[i])) or reasons.UNREADABLE, str(crops.names[i]))
    kept = shard >= 0
    ledger = drops.close(store.STAGE, len(listed), int(kept.sum()))
    ledger = replace(ledger, beside=units.absent)
    path = ledger_json.write(folder, ledger)
    if not kept.any():
        raise UserError(f"none of {len(listed):,} crops can be embedded; see {path}")
    index.write(folder, listed.root, crops.select(kept), rows.shards, shard[kept], row[kept])
    if ledger.number_dropped or ledger.beside:
        said = ledger.summary(), ledger.summary_beside()
        log.warning("%s; see %s", "; beside them ".join(filter(None, said)), path)
    return ledger
