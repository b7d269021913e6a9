"""``preview.html``: a sample of pictures with their boxes and crops, to check them at a glance.

One self-contained page with nothing to load.  For each category and split it shows some pictures,
evenly spaced over the dataset; for each reason some of those that were left out.  People are
covered unless they were asked for, and a picture that no detector looked at is not shown.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TypeVar

from markupsafe import Markup

from database_tools.core import reasons
from database_tools.core.splits import SPLITS
from database_tools.datasets import dataset_files, journal, preview_cards
from database_tools.datasets.journal import CropLine
from database_tools.datasets.output_folder import PREVIEW
from database_tools.datasets.preview_cards import Page
from database_tools.datasets.workspace import Workspace
from database_tools.durable import files
from database_tools.formats.dataset_info import DatasetInfo
from database_tools.pages import html
from database_tools.pages.html import tag

log = logging.getLogger(__name__)

Key = TypeVar("Key", bound=Hashable)

_IN_ALL, _MOST_EACH = 120, 6
"""Pictures on the page, and of one category in one split; at least one of each."""

_LEFT_OUT = 12  # pictures for each reason


def write(workspace: Workspace, page: Page, info: DatasetInfo) -> None:
    """Write the page of a finished dataset."""
    said = (
        "Red: what the detector found. Dashed: what was cut. Below each picture: its crops. A "
        "click enlarges a picture."
    )
    table = html.table(["category", "id", *SPLITS], list(_rows(info)), cls="find")
    heading = "Crops by category and split"
    parts = (
        tag("h1", heading),
        tag("p", said),
        table,
        _left_out(workspace, page),
        html.section("What is in the dataset", _kept(workspace, page, info)),
    )
    files.write_text(workspace.main / PREVIEW, html.document(heading, *parts))


def _kept(workspace: Workspace, page: Page, info: DatasetInfo) -> Markup:
    """Show samples of each category, train first."""

    def keys() -> Iterator[tuple[tuple[int, int], int]]:
        for line in _first_lines(workspace):
            yield (line.label, SPLITS.index(line.split)), line.image

    groups = []
    sizes = Counter(key for key, _ in keys())
    samples = sorted(_spaced(keys(), sizes, _MOST_EACH, _IN_ALL))
    for label, group in groupby(samples, key=lambda sample: sample[0][0]):
        name = info.classes[label]
        cards = [
            preview_cards.kept(page, image, f"{SPLITS[split]}: {name}")
            for (_, split), image in group
        ]
        shots = tag("div", *cards, cls="shots keys")
        groups.append(tag("div", tag("h3", name), shots, id=f"category-{label}", data_name=name))
    return tag("div", *groups, cls="groups")


def _left_out(workspace: Workspace, page: Page) -> Markup:
    """Show samples of what is not in the dataset, the commonest reason first."""

    def keys() -> Iterator[tuple[str, int]]:
        for line in journal.drops(workspace.journal):
            yield line.reason, line.image

    numbers = Counter(reason for reason, _ in keys())
    if not numbers:
        return Markup("")
    samples: dict[str, list[int]] = {}
    for reason, image in _spaced(keys(), numbers, _LEFT_OUT, _LEFT_OUT * len(numbers)):
        samples.setdefault(reason, []).append(image)
    ordered = sorted(numbers.items(), key=lambda item: (-item[1], item[0]))
    groups = [_reason(page, reason, number, samples[reason]) for reason, number in ordered]
    note = (
        "By reason, the commonest first; the ledger has all. Red: boxes from 0.1 on. Only names "
        "where a picture cannot be shown, or no detector has looked for people in it."
    )
    return html.section("What was left out", tag("p", note), tag("div", *groups, cls="groups"))


def _reason(page: Page, reason: str, number: int, images: Sequence[int]) -> Markup:
    heading = tag("h3", f"{reason} ({number:,})")
    readable = () if reason in reasons.READING else images
    cards = [card for image in readable if (card := preview_cards.left_out(page, image))]
    names = ", ".join(page.plan.annotations.files[image] for image in images)
    shown = tag("div", *cards, cls="shots keys") if cards else tag("p", names, cls="muted")
    return tag("div", heading, shown, data_name=reason)


def _rows(info: DatasetInfo) -> Iterator[list[str]]:
    for i, name in enumerate(info.classes):
        counts = [f"{info.counts[split][i]:,}" for split in SPLITS]
        linked = any(info.counts[split][i] for split in SPLITS)
        yield [tag("a", name, href=f"#category-{i}") if linked else name, str(i), *counts]


def _spaced(
    keys: Iterable[tuple[Key, int]], sizes: Mapping[Key, int], most_each: int, in_all: int
) -> Iterator[tuple[Key, int]]:
    """Yield so many (key, picture) of each key and in all, evenly spaced, at least one of each."""
    wanted = max(1, min(most_each, in_all // max(1, len(sizes))))
    seen: Counter[Key] = Counter()
    for key, image in keys:
        # The number of samples that are due after this picture has grown.
        if seen[key] * wanted // sizes[key] < (seen[key] + 1) * wanted // sizes[key]:
            yield key, image
        seen[key] += 1


def _first_lines(workspace: Workspace) -> Iterator[CropLine]:
    """Yield the first crop of each picture."""
    last = -1
    for line in dataset_files.crop_lines(workspace):
        if line.image != last:
            yield line
        last = line.image
