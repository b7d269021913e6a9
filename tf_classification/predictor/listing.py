"""What a request lists: its crops in order, and the recipe by which they are cut."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from database_tools.core import detector_version, names
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.detection_choice import resolve
from database_tools.core.errors import UserError
from database_tools.detections.image_table import ImageTable
from database_tools.formats import crops_info, detection_json
from tf_classification.predictor import recipes, sources
from tf_classification.predictor.crops_request import CropsRequest
from tf_classification.predictor.predictor import Predictor
from tf_classification.predictor.sources import Choice, Found

log = logging.getLogger(__name__)


def recipe(asked: CropsRequest, model: Predictor) -> CropRecipe | None:
    """Return how pictures are cut; None where crops are asked about."""
    if asked.images_dir is None:
        info = crops_info.read(asked.root)
        learned = model.crop_recipe
        if info and learned and (difference := info.recipe.difference(learned)):
            text = "%s: crops were cut otherwise than %s learned from: %s"
            log.warning(text, asked.root, model.path, difference)
        return None
    if model.crop_recipe is None and not asked.recipe:
        raise UserError(
            f"{model.path} does not say how its crops were made: say --square-crops or --padding"
        )
    return recipes.choose(model, asked.recipe, CropRecipe())


@contextlib.contextmanager
def sources_of(asked: CropsRequest) -> Iterator[Iterator[Found]]:
    """Give the sources in their order."""
    if asked.detections_json is None:
        yield sources.below(asked.root)
        return
    header = detection_json.read_header(asked.detections_json)
    with contextlib.closing(ImageTable()) as table:
        table.add_file(asked.detections_json, image_dir=asked.images_dir)
        if asked.images_dir is None:
            yield sources.listed(asked.root, table.images())
            return
        categories = resolve(asked.detection_category, header.detection_categories)
        detector, file = header.info.get("detector"), str(asked.detections_json)
        version = detector_version.choose(asked.detector_version, detector, file)
        yield sources.pictures(table.images(), Choice(categories, asked.threshold, version))


def check(asked: CropsRequest) -> None:
    """Refuse a folder without crops before a model is opened, which takes seconds."""
    if asked.detections_json is None and next(sources.below(asked.root), None) is None:
        raise UserError(nothing(asked))


def nothing(asked: CropsRequest) -> str:
    """Say that there is no crop, and why there may be none."""
    if asked.detections_json is None:
        return f"{asked.root}: no crop in it ({' '.join(names.PICTURE_ENDINGS)})"
    if asked.images_dir is None:
        return (
            f"{asked.root}: no crop of a box of {asked.detections_json}; they are called "
            "PICTURE___crop00_mdvVERSION.jpg, below the folders that the file names"
        )
    return f"{asked.detections_json}: no box to cut at --threshold {asked.threshold}"
