"""Which recipe crops are cut by, when a model is asked about whole pictures."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from database_tools.core.crop_recipe import CropRecipe
from tf_classification.predictor.predictor import Predictor

log = logging.getLogger(__name__)


def choose(model: Predictor, asked: Mapping[str, Any], default: CropRecipe) -> CropRecipe:
    """Choose: what the model learned from, changed by what flags ask for.

    Args:
        model: that is asked.
        asked: fields of a recipe that flags say, such as geometry and padding; may be empty.
        default: taken, with a line that says so, where neither model nor flags say anything.

    Raises:
        ValueError: for a number out of its range.
    """
    known = model.crop_recipe
    chosen = replace(known or default, **asked)
    if known is None and not asked:
        text = "%s does not say how its crops were made: taking geometry %s, padding %g"
        log.warning(text, model.path, default.geometry.value, default.padding)
    if known is not None and (difference := chosen.difference(known)):
        log.warning("crops are cut otherwise than %s learned from: %s", model.path, difference)
    return chosen
