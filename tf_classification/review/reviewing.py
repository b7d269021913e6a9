"""``review_mislabeled.py``: pages on which a person says which pictures are mislabeled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from markupsafe import Markup

from database_tools.formats import timelapse_csv
from database_tools.formats.candidates_csv import Candidate
from database_tools.formats.classification_csv import Crop
from database_tools.pages.html import percent, tag
from tf_classification.review import deciding, doubts, wholes
from tf_classification.review.deciding import Item, Mark, Pictures, Task
from tf_classification.review.doubts import Choices, Doubt
from tf_classification.review.requests import ReviewRequest

log = logging.getLogger(__name__)

Progress = Callable[[Iterable[Item], int, str], Iterable[Item]]

MARKS = (
    Mark("Enter", "right", "the label is right", own=True),
    Mark("u", "unknown", "wrong, cannot tell: removed"),
)
_LEAD = (
    "Each picture counts as what you say it shows, whichever of its crops looks odd. The browser "
    "keeps the answers; the CSV that you export is for save_mislabeled."
)


def run(asked: ReviewRequest, progress: Progress) -> int:
    """Write the pages, and return how many pictures they ask about.

    Raises:
        UserError: if a file is missing or breaks its format, or the folder holds anything else.
    """
    found, choices = doubts.read(asked.dataset_dir, asked.candidates, asked.query, asked.number)
    shown = [doubt for doubt in found if asked.show_people or not doubt.shows_people]
    if hidden := len(found) - len(shown):
        log.warning("%d perhaps of people are left out; --show_people shows them", hidden)
    folder = asked.cropped_images_dir
    boxes = {} if asked.images_dir is None else wholes.boxes(asked, [d.name for d in shown])

    def item(doubt: Doubt, pictures: Pictures) -> Item:
        content = _crops(folder, doubt, pictures)
        if asked.images_dir is not None:
            crops = [crop.path for crop in doubt.crops]
            content += wholes.figure(
                asked.images_dir, doubt.name, crops, boxes, pictures, show_people=asked.show_people
            )
        near = [c for c in doubt.burst if asked.show_people or not doubt.is_of_people(c)]
        content += _words(doubt) + _burst(folder, doubt, near, pictures)
        crop = doubt.crops[0]
        return Item(
            doubt.name,
            content,
            group=crop.dataset,
            own=doubt.own_class,
            label=doubt.label,
            place=crop.location,
            predicted=doubt.worst.predicted,
        )

    def items(pictures: Pictures) -> Iterator[Item]:
        with ThreadPoolExecutor(asked.workers) as pool:
            made = pool.map(lambda doubt: item(doubt, pictures), shown)
            yield from progress(made, len(shown), "copying pictures")

    return deciding.write(asked.output_dir, "review_mislabeled", task(choices), items)


def task(choices: Choices) -> Task:
    """Return what the pages ask."""
    return Task(
        "review",
        "Are these mislabeled?",
        _LEAD,
        "mislabeled_images.csv",
        (*timelapse_csv.COLUMNS, "second_animal"),
        MARKS,
        choices,
        second=True,
    )


def _crops(folder: Path, doubt: Doubt, pictures: Pictures) -> Markup:
    figures = (
        pictures.crop(folder / crop.path, crop.path, _taken(doubt.said.get(crop.path)))
        for crop in doubt.crops
    )
    return tag("div", *figures, cls="crops keys")


def _taken(said: Candidate | None) -> str:
    """Say what a crop is taken for, and by how much more than its label."""
    if said is None:
        return ""
    taken = f"{said.predicted} {percent(said.probability)}"
    if said.predicted == said.label:
        return taken
    return f"{taken}, {said.label} {percent(said.probability - said.margin)}"


def _words(doubt: Doubt) -> Markup:
    crop, worst = doubt.crops[0], doubt.worst
    own = f" ({doubt.own_class})" if doubt.own_class != doubt.label else ""
    facts = [f"margin {worst.margin:.2f}", f"at {crop.location}", worst.why]
    return tag(
        "div",
        tag("h2", doubt.name),
        tag("p", "labeled ", tag("b", doubt.label), own, ", taken for ", tag("b", worst.predicted)),
        tag("p", ", ".join(filter(None, facts)), cls="muted"),
        cls="words",
    )


def _burst(folder: Path, doubt: Doubt, near: Sequence[Crop], pictures: Pictures) -> Markup:
    if not near:
        return Markup("")
    figures = (_neighbour(folder, crop, doubt, pictures) for crop in near)
    return tag("div", tag("h3", "The same burst"), tag("div", *figures, cls="keys"), cls="burst")


def _neighbour(folder: Path, crop: Crop, doubt: Doubt, pictures: Pictures) -> Markup:
    said = doubt.said.get(crop.path)
    label = ",".join(crop.labels)
    taken = f", taken for {said.predicted}" if said and said.predicted != label else ""
    return pictures.crop(folder / crop.path, crop.path, f"{label}{taken}")
