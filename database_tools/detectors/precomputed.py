"""Detections that somebody computed before, instead of a detector.

This tool's ``detections_final.pkl``, whose keys are image ids; its twin ``detections_final.json``;
any batch output of MegaDetector; and SpeciesNet's predictions.  All but the first know pictures by
file name, in either Unicode form.  Of a picture that a file has twice, a result counts and a
failure does not; two results that differ are an error.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path

from database_tools.core import boxes as box_rows
from database_tools.core import names
from database_tools.core.detection_table import DetectionTable
from database_tools.core.detections import CATEGORY_NAMES, Detections, Failure, Found
from database_tools.core.errors import FormatError, UserError
from database_tools.formats import detection_json, detections_pickle, megadetector_json

ImageId = str | int

ID, FILE_NAME = "image id", "file name"

_LOOKED_AT = 1000  # names that a hint is found by


class Precomputed:
    """A detection file, opened.

    Attributes:
        name: of the detector that made it, if the file says so, else of the file.
        categories: category id to name, in the ids that the boxes have here.
        by: what the file knows pictures by, ``"image id"`` or ``"file name"``.
        stripped: folder that its first name began with in the file.
    """

    def __init__(
        self,
        name: str,
        categories: Mapping[str, str],
        by: str,
        table: DetectionTable,
        stripped: str = "",
    ) -> None:
        self.name, self.categories, self.by, self.stripped = name, categories, by, stripped
        self._table, self._listed = table, names.Listed(table)

    def __len__(self) -> int:
        return len(self._table)

    def row(self, image_id: ImageId, file_name: str) -> int | None:
        """Return where the file has a picture, to ask for it many times; None if it has not.

        Both are as in the annotation file; 7 is not "7".  Pickles are asked for the name too, as
        ``convert_json_detections_to_pickle.py`` wrote file names for ids.
        """
        row = self._table.row(image_id) if self.by == ID else None
        if row is None and (name := self._listed.find(names.tidy(file_name))) is not None:
            return self._table.row(name)
        return row

    def is_failure(self, row: int) -> bool:
        """Say whether the picture of a row could not be looked at."""
        return self._table.is_failure(row)

    def found(self, row: int) -> Found:
        """Return what the file says about the picture of a row: boxes or a failure."""
        return self._table.found(row)

    def find(self, image_id: ImageId, file_name: str) -> Found | None:
        """Return what the file says about a picture; None for nothing."""
        row = self.row(image_id, file_name)
        return None if row is None else self.found(row)

    def example(self) -> str:
        """Return the first key as the file has it, to show when nothing matches; else nothing."""
        return self.stripped + next(self._names(), "")

    def other_case(self, missing: Iterable[str]) -> tuple[str, str] | None:
        """Return one of some names that the file lacks, and its own that differs in case only."""
        looked_at = islice(missing, _LOOKED_AT)  # among them pictures that it has as failures
        lacking = (name for name in looked_at if self._listed.find(names.tidy(name)) is None)
        by_case = {_case(name): name for name in lacking}
        pairs = ((by_case.get(_case(name)), name) for name in self._names())
        return next(((lacked, name) for lacked, name in pairs if lacked is not None), None)

    def prefix(self, file_names: Iterable[str]) -> str | None:
        """Return what the file's names have in front of these names, None if nothing plain."""
        wanted = {names.key(names.tidy(name)) for name in file_names}
        found: Counter[str] = Counter()
        for name in islice(self._names(), _LOOKED_AT):
            key = names.key(name)
            cuts = (i + 1 for i, sign in enumerate(key) if sign == "/")
            found.update(islice((key[:cut] for cut in cuts if key[cut:] in wanted), 1))
        most = max(found, key=lambda prefix: found[prefix], default=None)
        return None if most is None else self.stripped + most

    def _names(self) -> Iterator[str]:
        return (str(key) for key in self._table)


def _case(name: str) -> str:
    return names.key(names.tidy(name)).casefold()


def read(
    path: Path,
    image_dir: Path | None = None,
    categories: Mapping[str, str] | None = None,
    strip_prefix: str | None = None,
) -> Precomputed:
    """Read a detection file, ``.pkl`` or ``.json``.

    Args:
        path: the file.
        image_dir: folder of the pictures; absolute names inside it, which MegaDetector writes
            unless told otherwise, are taken relative to it.
        categories: id to name of the detector that finds the rest, None for MegaDetector's.
            The file's categories of the same names get these ids, and others that would clash
            new ones, so that a pickle, which has no names, says the same as a JSON.
        strip_prefix: a folder that names in the file begin with, on the machine that wrote it.

    Raises:
        UserError: if there is no such file, its name ends otherwise, or no name has the prefix.
        FormatError: if it breaks its format, or is a pickle with anything but numbers in it.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such detection file")
    if path.suffix.lower() in (".pkl", ".pickle", ".p"):
        if strip_prefix is not None:
            raise UserError(f"--strip_prefix: {path}: a pickle knows images by their ids")
        return Precomputed(path.name, _twins_names(path), ID, detections_pickle.read(path))
    if path.suffix.lower() == ".json":
        known = CATEGORY_NAMES if categories is None else categories
        return _read_json(path, [] if image_dir is None else [image_dir], known, strip_prefix)
    raise UserError(f"{path}: a detection file ends in .pkl or .json")


def _twins_names(path: Path) -> Mapping[str, str]:
    """Return the categories of the JSON that a build wrote beside its pickle, if it is there."""
    try:
        return detection_json.read_header(path.with_suffix(".json")).detection_categories
    except UserError:
        return CATEGORY_NAMES


def _read_json(
    path: Path, folders: list[Path], categories: Mapping[str, str], strip_prefix: str | None
) -> Precomputed:
    header = detection_json.read_header(path)
    roots = [names.root(str(f)) for folder in folders for f in (folder, folder.resolve())]
    prefix = None if strip_prefix is None else names.root(strip_prefix)
    ids = same_ids(header.detection_categories, categories)
    roots = roots if prefix is None else [prefix, *roots]
    table = DetectionTable()
    first, stripped = "", False
    for i, image in enumerate(detection_json.images(path)):
        name = names.tidy(image.file)
        stripped |= prefix is not None and name.startswith(prefix)
        key = names.below(name, roots)
        first = first if i else name.removesuffix(key)
        try:
            _add(table, key, image, ids)
        except ValueError as error:
            place = f"images[{_place(path, key, roots)}] and images[{i}] ({key!r})"
            raise FormatError(path, place, str(error)) from None
    name = str(header.info.get("detector", path.name))
    texts = {ids[category]: text for category, text in header.detection_categories.items()}
    found = Precomputed(name, texts, FILE_NAME, table, first)
    if prefix is not None and not stripped:
        one = found.example()
        case = ": case matters" if one.casefold().startswith(prefix.casefold()) else ""
        rule = f"no name in {path} begins with it; one is {one!r}{case}"
        raise UserError(f"--strip_prefix {strip_prefix}: {rule}")
    return found


def same_ids(own: Mapping[str, str], other: Mapping[str, str]) -> dict[str, str]:
    """Return for each of a file's category ids the one to use beside another table's.

    Args:
        own: the file's, id to name.
        other: the other table, id to name.

    Returns:
        The file's id to: the other's id of the same name; else its own, if that is a whole
        number that is still free; else the least free number from 1.
    """
    by_name = {name: category for category, name in reversed(list(other.items()))}
    ids = {category: by_name[name] for category, name in own.items() if name in by_name}
    taken = {*other, *ids.values()}
    for category in sorted(own.keys() - ids.keys()):
        if category.isdecimal() and category not in taken:
            ids[category] = category
            taken.add(category)
    for category in sorted(own.keys() - ids.keys()):
        ids[category] = next(str(n) for n in count(1) if str(n) not in taken)
        taken.add(ids[category])
    return ids


def _add(
    table: DetectionTable, key: str, image: megadetector_json.Image, ids: Mapping[str, str]
) -> None:
    """Add an entry, whatever order those of one picture come in.

    Raises:
        ValueError: if the picture has another result already.
    """
    earlier = table.get(key)
    if image.boxes is None:
        reason = megadetector_json.failure_reason(image.failure or "not processed")
        if earlier is None or (isinstance(earlier, Failure) and reason < earlier.reason):
            table.add_failure(key, reason)
        return
    # The format says of a box with an unknown category id: there is none.
    boxes = [box for box in image.boxes if box.category in ids]
    corners = box_rows.to_corners([box.bbox for box in boxes]) if boxes else ()
    columns = corners, [box.conf for box in boxes], [ids[box.category] for box in boxes]
    if not isinstance(earlier, Detections):
        table.add(key, *columns)
    elif not earlier.equals(Detections.of_corners(*columns)):
        numbers = f"{len(earlier)} boxes and {len(boxes)}"
        raise ValueError(f"two results of one picture differ, {numbers}; delete one")


def _place(path: Path, key: str, roots: list[str]) -> int:
    """Return where a file has the first result of a picture."""
    images = enumerate(detection_json.images(path))
    same = (i for i, image in images if names.below(names.tidy(image.file), roots) == key)
    return next(same, 0)
