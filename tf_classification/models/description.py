"""bundle.json: what must be known to use a model rightly.

It lies in the ``assets.extra`` folder of a SavedModel::

    {"format": 1,
     "labels": ["deer", "fox"],            in the order of the network's outputs
     "num_labels": 2,
     "network": "efficientnet-b0",         a name in the table of ``networks``
     "image_size": 224,
     "conv_padding": "same",               or "symmetric": from EfficientNet-PyTorch 0.7.0
     "views": 2,                           only where each picture is asked about mirrored, too
     "crop_recipe": {"geometry": "padded window", ...},       see core.crop_recipe; or null
     "resize": "shorter side, bicubic antialiased, centre crop; ...",             see ``RESIZE``
     "calibration": {"temperature": 1.7, "curves": null},
     "thresholds": {"deer": 0.83, "fox": null},   least probability at which a label is accepted
     "taxonomy": {"deer": [{"level": "family", "name": "cervidae", "lineage": [...]}]},   or null
     "parameters": {...},                  of the training, as in params.json
     "fingerprints": {"description": SHA256, "saved_model.pb": SHA256, ...}}

There is no date in it: the same model gives the same bytes.  Older bundles have ``padding`` for
``conv_padding`` and ``crop_policy`` for the recipe, of which it tells nothing but ``square``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from database_tools.core import taxa
from database_tools.core.crop_recipe import CropRecipe
from database_tools.core.errors import FormatError
from database_tools.core.taxa import Taxonomy
from database_tools.durable import files
from tf_classification.models.calibration import Calibration

FORMAT = 1
CONV_PADDINGS = ("same", "symmetric")
VIEWS = (1, 2)
RESIZE_WHOLE = "shorter side, bicubic antialiased, centre crop"
RESIZE = f"{RESIZE_WHOLE}; a large JPEG decoded at 1/2, 1/4 or 1/8"
RESIZE_ROUNDED = f"{RESIZE}; to whole grey levels"
RESIZE_SLIM = "central 0.875 of each side, bilinear of TensorFlow 1, aspect ignored"
RESIZES = (RESIZE, RESIZE_ROUNDED, RESIZE_WHOLE, RESIZE_SLIM)


@dataclass(frozen=True)
class Description:
    """What a bundle says about its model.

    Attributes:
        labels: names in the order of the network's outputs; each once.
        network: name in the table of networks.
        image_size: side of the square input, pixels.
        conv_padding: of stride-2 convolutions, one of ``CONV_PADDINGS``.
        views: 2 where a crop's features are the mean of its own and its mirror image's.
        crop_recipe: how the crops that it learned from were made; None if nobody said.
        resize: from the crop to the network's input: ``RESIZE``; ``RESIZE_WHOLE`` in bundles of
            before it; ``RESIZE_ROUNDED`` for int8, whose input is rounded anyway;
            ``RESIZE_SLIM`` for a network of ``slim_legacy``.  The signature of bytes does it;
            whoever makes pixels must look.
        calibration: from logits to probabilities.
        thresholds: label to the smallest probability at which it is accepted, None for a label
            that never is; any subset of the labels.
        taxonomy: label to its taxa; None if not known.
        parameters: of the training; JSON values.
    """

    labels: tuple[str, ...]
    network: str
    image_size: int
    conv_padding: str = "same"
    views: int = 1
    crop_recipe: CropRecipe | None = None
    resize: str = RESIZE
    calibration: Calibration = field(default_factory=Calibration)
    thresholds: Mapping[str, float | None] = field(default_factory=dict)
    taxonomy: Taxonomy | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise ValueError(problem)

    def _problems(self) -> list[str]:
        names, limits = set(self.labels), self.thresholds.values()
        texts = all(isinstance(name, str) for name in self.labels)
        size, padding, curves = self.image_size, self.conv_padding, self.calibration.curves
        paddings = ", ".join(CONV_PADDINGS)
        checks = {
            "there must be at least one label": bool(self.labels),
            "labels must be text, each once": len(names) == len(self.labels) and texts,
            f"network must be a name, got {self.network!r}": isinstance(self.network, str),
            f"image_size must be a positive whole number, got {size!r}": type(size) is int
            and size > 0,
            f"conv_padding must be one of {paddings}, got {padding!r}": padding in CONV_PADDINGS,
            f"views must be 1 or 2, got {self.views!r}": self.views in VIEWS,
            f"resize must be {RESIZE!r}, got {self.resize!r}": self.resize in RESIZES,
            "thresholds must be of labels and in [0, 1]": set(self.thresholds) <= names
            and all(limit is None or 0 <= limit <= 1 for limit in limits),
            "taxonomy must be of labels": set(self.taxonomy or ()) <= names,
            "there must be one calibration curve for each label": curves is None
            or len(curves) == len(self.labels),
        }
        return [rule for rule, kept in checks.items() if not kept]

    def to_json(self) -> dict[str, Any]:
        """Return the object of bundle.json without its fingerprints."""
        return {
            "format": FORMAT,
            "labels": list(self.labels),
            "num_labels": len(self.labels),
            "network": self.network,
            "image_size": self.image_size,
            "conv_padding": self.conv_padding,
            **({"views": self.views} if self.views > 1 else {}),
            "crop_recipe": self.crop_recipe and self.crop_recipe.as_json(),
            "resize": self.resize,
            "calibration": self.calibration.to_json(self.labels),
            "thresholds": dict(self.thresholds),
            "taxonomy": None if self.taxonomy is None else taxa.as_json(self.taxonomy),
            "parameters": dict(self.parameters),
        }


def fingerprint(table: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a bundle.json object without its fingerprints, however spaced."""
    rest = {key: value for key, value in table.items() if key != "fingerprints"}
    text = json.dumps(
        rest, sort_keys=True, ensure_ascii=True, separators=(",", ":"), allow_nan=False
    )
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def read(path: Path) -> tuple[Description, dict[str, str]]:
    """Read a bundle.json.

    Returns:
        the description, and the fingerprints: path inside the bundle to SHA-256.

    Raises:
        UserError: if there is no such file.
        FormatError: if it is not one, was changed after it was written, or says something
            impossible.
    """
    description, table = read_facts(path)
    fingerprints = table.get("fingerprints")
    if not isinstance(fingerprints, dict) or fingerprints.get("description") != fingerprint(table):
        rule = "the description was changed after the bundle was written"
        raise FormatError(path, "fingerprints.description", rule)
    return description, {str(name): str(digest) for name, digest in fingerprints.items()}


def read_facts(path: Path) -> tuple[Description, dict[str, Any]]:
    """Read a description that nothing vouches for, such as the ``model.json`` beside a ``.tflite``.

    Returns:
        the description, and the whole table.

    Raises:
        UserError: if there is no such file.
        FormatError: if it is not one, or says something impossible.
    """
    table = files.read_json(path)
    if not isinstance(table, dict) or table.get("format") != FORMAT:
        raise FormatError(path, "format", f"this program reads bundles of format {FORMAT}")
    try:
        description = _from_json(table)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(path, "the description", f"{type(error).__name__}: {error}") from None
    if (told := table.get("num_labels")) != (number := len(description.labels)):
        raise FormatError(path, "num_labels", f"{told} but there are {number} labels")
    return description, table


def _from_json(table: Mapping[str, Any]) -> Description:
    labels = tuple(table["labels"])
    old = table.get("crop_policy")
    recipe, known = None if old else table["crop_recipe"], table["taxonomy"]
    return Description(
        labels=labels,
        network=table["network"],
        image_size=table["image_size"],
        conv_padding=table["conv_padding"] if "conv_padding" in table else table["padding"],
        views=table.get("views", 1),
        crop_recipe=None if recipe is None else CropRecipe.from_json(recipe),
        resize=old["resize"] if old else table["resize"],
        calibration=Calibration.from_json(table["calibration"], labels),
        thresholds=dict(table["thresholds"]),
        taxonomy=None if known is None else taxa.from_json(known),
        parameters=dict(table["parameters"]),
    )
