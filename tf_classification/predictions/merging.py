"""Classes into detections: a classifier's table and MegaDetector's output become one file.

Crops and boxes are matched by picture and number of the box.  A crop without a box is named in
``merge_classification_detection_output_ledger.json`` beside the output.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from database_tools.core import class_ranks, detector_version, reasons, significant_digits
from database_tools.core.class_ranks import Ranks
from database_tools.core.errors import FormatError, UserError
from database_tools.core.ledger import Drops, Ledger
from database_tools.formats import (
    classifier_csv,
    crops_info,
    label_index,
    ledger_json,
    megadetector_json,
)
from database_tools.formats.classifier_csv import Rows, Table
from database_tools.formats.megadetector_json import FORMAT_VERSION, Box, Header, Image
from tf_classification.predictions.crop_classes import Crop, CropClasses
from tf_classification.predictions.merge_request import FIRST, MergeRequest
from tf_classification.predictions.merge_sources import (
    COMPLETED,
    DetectionFile,
    Picture,
    QueriedImages,
    Source,
    date_of,
)

log = logging.getLogger(__name__)

STAGE = "merge_classification_detection_output"
NO_SUCH_BOX = "no such box in the detection file"
OTHER_BOXES = "detected, but the picture's boxes are drawn"

OWN = "own_classifications"
"""Key of a box: what was said of it before that became ``classifications``."""

DIGITS = 4
LABEL_IDS = 1_000_000
"""The true label's class has its number and this."""

_AT_ONCE = 500
"""Pictures whose crops are looked up together."""

_MATCHED = 1
_WHY = {
    0: reasons.NOT_IN_DETECTION_FILE,
    2: NO_SUCH_BOX,
    3: reasons.FAILURE_IN_DETECTION_FILE,
    4: OTHER_BOXES,
}
_STATE = {reason: state for state, reason in _WHY.items()}


@dataclass(frozen=True)
class Origin:
    """How the classes of a merge were made of others.

    Attributes:
        tables: what classifiers said first; it is written beside what became of it.
        metadata: for ``info.classifier_metadata``.
    """

    tables: Sequence[Path] = ()
    metadata: Mapping[str, object] = field(default_factory=dict)


def merge(request: MergeRequest, origin: Origin | None = None) -> Ledger:
    """Write the merged file and its ledger.

    Args:
        request: what to merge.
        origin: of the classes, if they are not a classifier's own.

    Raises:
        UserError: if files and flags do not belong together, or not one crop has a box.
        FormatError: if a file breaks its rules.
    """
    labels = label_index.read(request.label_names_json)
    with classifier_csv.reading(request.classification_csv) as table:
        crops = _crops(request, table, labels)
        has_labels = table.has_labels
    total = crops.arrange()
    for path in origin.tables if origin else ():
        _add_own(request, crops, path, labels)
    source = _source(request, crops)
    header = _header(request, source.header, labels, has_labels, origin or Origin())
    _warn(request, labels, header)
    matching = _Matching(crops, request.label)
    version = request.format_version
    with megadetector_json.writing(request.output_json, header, version) as writer:
        for image in matching.images(source):
            writer.add(image)
        ledger = matching.ledger(total)
        if total and not ledger.kept:
            first = next(iter(ledger.dropped.values()))[0]
            raise UserError(f"no crop has a box in {source.place}; one is {first!r}")
    path = ledger_json.write(request.output_json.parent, ledger)
    log.info("%s of %s crops in %s", f"{ledger.kept:,}", f"{total:,}", request.output_json)
    log.info("%s boxes have no crop", f"{matching.bare:,}")
    if ledger.number_dropped:
        log.warning("WARNING: %s. See %s", ledger.summary(), path)
    return ledger


def _source(request: MergeRequest, crops: CropClasses) -> Source:
    """Open the boxes; look whether crops can be theirs."""
    version = _version(request, crops)
    if request.detection_json is not None:
        if None in crops.versions and len(crops.versions) > 1:
            rule = f"a crop of a drawn box among detected ones: {crops.versions[None]}"
            raise UserError(f"{request.classification_csv}: {rule}")
        return DetectionFile(request.detection_json)
    assert request.queried_images_json is not None
    assert request.detector_output_cache_dir is not None
    folder = request.detector_output_cache_dir
    return QueriedImages(request.queried_images_json, folder, version, crops)


def _version(request: MergeRequest, crops: CropClasses) -> str | None:
    """Return the version of the crops' detector; None if all boxes are drawn by hand.

    Raises:
        UserError: if flag, ``crops_info.json`` and names do not say the same.
    """
    folder = request.cropped_images_dir
    info = None if folder is None else crops_info.read(folder)
    said = [
        (request.detector_version, "--detector-version"),
        (None if info is None else info.version, f"{folder}/{crops_info.NAME}"),
        *sorted((version, path) for version, path in crops.versions.items() if version is not None),
    ]
    found = [(version, where) for version, where in said if version is not None]
    for version, where in found[1:]:
        if not detector_version.same(version, found[0][0]):
            rule = f"several detectors: {found[0][0]} by {found[0][1]}, {version} by {where}"
            raise UserError(f"{request.classification_csv}: {rule}")
    return found[0][0] if found else None


def _crops(request: MergeRequest, table: Table, labels: Sequence[str]) -> CropClasses:
    path = request.classification_csv
    if table.label_names and set(table.label_names) != set(labels):
        odd = min(set(table.label_names) ^ set(labels))
        rule = f"its labels are not those of {request.label_names_json}: {odd!r} is in one only"
        raise FormatError(path, "line 1", rule)
    if request.needs_labels and not table.has_labels:
        raise FormatError(path, "line 1", "no column of true labels, which the flags ask for")
    if not table.label_names and (request.relative_conf or not table.has_labels):
        raise FormatError(path, "line 1", "no column of probabilities")
    order = [table.label_names.index(name) for name in labels] if table.label_names else []
    places = {name: i for i, name in enumerate(labels)}
    crops = CropClasses(request.datasets)
    for rows in table:
        true = _true_labels(request, rows, places)
        with FormatError.at(path, "path"):
            crops.add(rows.paths, true, _ranks(request, rows.probabilities[:, order], true))
    if lacking := sorted(set(request.datasets or ()) - crops.datasets):
        there = ", ".join(sorted(crops.datasets)[:10]) or "none"
        raise UserError(f"--datasets {lacking[0]}: {path} has no crop of it, only of {there}")
    if request.samples_per_label is not None:
        crops.sample(request.samples_per_label, request.seed)
    return crops


def _add_own(request: MergeRequest, crops: CropClasses, path: Path, labels: Sequence[str]) -> None:
    places = {name: i for i, name in enumerate(labels)}
    with classifier_csv.reading(path) as table:
        columns = [places[name] for name in table.label_names]
        for rows in table:
            probabilities = np.zeros((len(rows.paths), len(labels)))
            probabilities[:, columns] = rows.probabilities
            crops.add_own(rows.paths, _ranks(request, probabilities, ()))


def _true_labels(
    request: MergeRequest, rows: Rows, places: Mapping[str, int]
) -> Sequence[int | None]:
    if not request.needs_labels:
        return [None] * len(rows.paths)
    texts = rows.labels or []
    if unknown := [i for i, text in enumerate(texts) if text not in places]:
        rule = f"the true label {texts[unknown[0]]!r} is not in {request.label_names_json}"
        raise FormatError(request.classification_csv, rows.paths[unknown[0]], rule)
    return [places[text] for text in texts]


def _ranks(
    request: MergeRequest, probabilities: classifier_csv.Floats, true: Sequence[int | None]
) -> Ranks:
    if request.relative_conf:
        probabilities = class_ranks.margins(probabilities, np.array(true, np.int64))
    cut = significant_digits.rounded if request.round else significant_digits.floored
    return class_ranks.rank(probabilities, request.threshold, partial(cut, digits=DIGITS))


class _Matching:
    """Puts classes into pictures, and keeps account of crops and boxes.

    Attributes:
        bare: boxes that have no crop.
    """

    def __init__(self, crops: CropClasses, label: str | None) -> None:
        self._crops, self._label = crops, label
        self._states = bytearray(crops.largest_id() + 1)
        self.bare = 0

    def images(self, source: Source) -> Iterator[Image]:
        """Yield a source's pictures as they are written."""
        pictures = source.pictures()
        while some := list(islice(pictures, _AT_ONCE)):
            crops = self._crops.find(picture.image.file for picture in some)
            for picture, found in zip(some, crops, strict=True):
                own = self._own(picture, found)
                if own or picture.is_wanted:
                    yield self._classified(picture.image, own)

    def _own(self, picture: Picture, found: list[Crop]) -> list[Crop]:
        """Return those of a picture's crops that it can have."""
        if picture.is_drawn is None:
            return found
        own = [c for c in found if c.is_drawn == picture.is_drawn and not self._states[c.id]]
        if own and picture.is_drawn:
            for crop in found:
                if not crop.is_drawn:  # one picture, one kind of boxes
                    self._states[crop.id] = _STATE[OTHER_BOXES]
        return own

    def _classified(self, image: Image, crops: list[Crop]) -> Image:
        boxes = image.boxes
        number = 0 if boxes is None else len(boxes)
        missing = reasons.FAILURE_IN_DETECTION_FILE if boxes is None else NO_SUCH_BOX
        by_box = {crop.box: crop for crop in crops}
        for crop in crops:
            self._states[crop.id] = _MATCHED if crop.box < number else _STATE[missing]
        self.bare += number - sum(box < number for box in by_box)
        if not boxes:
            return image
        return image._replace(boxes=tuple(self._box(b, by_box.get(i)) for i, b in enumerate(boxes)))

    def _box(self, box: Box, crop: Crop | None) -> Box:
        classes = () if crop is None else self._written(crop)
        # What an earlier classifier said goes: its numbers mean other classes.
        if classes == box.classifications and not box.extra and (not crop or crop.own is None):
            return box
        extra = {key: value for key, value in box.extra.items() if key != OWN}
        if crop is not None and crop.own is not None:
            extra[OWN] = _named(crop.own)
        return box._replace(classifications=classes, extra=extra)

    def _written(self, crop: Crop) -> tuple[tuple[str, float], ...]:
        classes = _named(crop.classes)
        if self._label is None or crop.label is None:
            return classes
        true = (str(LABEL_IDS + crop.label), 1.0)
        return (true, *classes) if self._label == FIRST else (*classes, true)

    def ledger(self, total: int) -> Ledger:
        """Return the account of the crops."""
        drops = Drops()
        kept = self._states.count(_MATCHED)
        if kept < total:
            for number, path in self._crops.paths():
                if (state := self._states[number]) != _MATCHED:
                    drops.add(_WHY[state], path)
        return drops.close(STAGE, total, kept)


def _named(classes: Iterable[tuple[int, float]]) -> tuple[tuple[str, float], ...]:
    return tuple([(str(number), conf) for number, conf in classes])


def _header(
    request: MergeRequest, header: Header, labels: Sequence[str], has_labels: bool, origin: Origin
) -> Header:
    info = {**header.info, "classifier": request.classifier_name}
    info.pop("classifier_metadata", None)  # of an earlier classifier
    if origin.metadata:
        info["classifier_metadata"] = dict(origin.metadata)
    if request.format_version == FORMAT_VERSION:  # equal inputs, equal bytes: no times
        for time in (COMPLETED, "classification_completion_time"):
            info.pop(time, None)
    else:
        info["classification_completion_time"] = date_of(request.classification_csv)
    classes = {str(i): name for i, name in enumerate(labels)}
    if has_labels:
        classes |= {str(LABEL_IDS + i): f"label: {name}" for i, name in enumerate(labels)}
    extra = {k: v for k, v in header.extra.items() if k != "classification_category_descriptions"}
    return Header(info, header.detection_categories, classes, extra)


def _warn(request: MergeRequest, labels: Sequence[str], header: Header) -> None:
    """Say what Timelapse will do that the user may not expect."""
    if request.label is not None:
        log.warning(
            "WARNING: --label: Timelapse shows the most confident class only, which is the true "
            "label; leave --label out to select by what was predicted"
        )
    taken = {name.casefold() for name in header.detection_categories.values()}
    if labels[0].casefold() in taken:
        said = (
            f"class 0 is named {labels[0]!r}, as a category of detections is: Timelapse takes "
            "such a file for AddaxAI's and refuses it; give the label another name or place"
        )
        if request.timelapse:
            raise UserError(f"{request.label_names_json}: {said}")
        log.warning("WARNING: %s", said)
