"""Writes the pages of a folder: at most ``MOST`` items each, to decide by keyboard (``page.js``).

index.html, page-2.html, ...     pictures/<hash of the content>.jpg     .build: the folder is ours

Pictures are decoded anew, so they carry nothing but pixels; pages speak of nothing outside.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from database_tools import imaging
from database_tools.durable import files, folders, locks
from database_tools.pages import html
from database_tools.pages.html import tag

MOST = 500
CROP, WHOLE = 320, 1024
"""Pixels of the longer side of a crop, and of a whole picture."""

PICTURES = "pictures"
_QUALITY = 82
_OURS = re.compile(r"index\.html|page-\d+\.html")
_SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
_SOURCES = "img-src data: 'self' file:"  # 'self' is nothing at file://


@dataclass(frozen=True, slots=True)
class Mark:
    """An answer that is no class: its key, name in the CSV, words; ``own`` keeps the class."""

    key: str
    name: str
    said: str
    own: bool = False


@dataclass(frozen=True)
class Task:
    """What the pages ask.

    Attributes:
        kind: ``review`` or ``label``: how an answer becomes a row, see ``page.js``.
        title: of the pages.
        lead: what is to be done, in a sentence or two.
        file: name of the CSV that is exported.
        columns: of it.
        marks: answers beside the classes.
        choices: group of items to its classes, each with the labels that want it, by commas.
        open: whether classes may be typed that are not among them.
        second: whether a second animal can be noted.
    """

    kind: str
    title: str
    lead: str
    file: str
    columns: Sequence[str]
    marks: Sequence[Mark]
    choices: Mapping[str, Sequence[tuple[str, str]]]
    open: bool = False
    second: bool = False


@dataclass(frozen=True)
class Item:
    """One thing to decide.

    Attributes:
        key: what the answer is kept, and exported, under.
        content: what is shown, beside its name and answer.
        group: whose classes are offered.
        own: class that it has; "" for none.
        label: to filter by.
        place: its location, so too.
        predicted: label that it is taken for; "" for none.
    """

    key: str
    content: Markup
    group: str = ""
    own: str = ""
    label: str = ""
    place: str = ""
    predicted: str = ""


class Pictures:
    """The pictures beside the pages; may be asked by several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.written = folder / PICTURES, set[str]()
        self._files: dict[Path, Markup] = {}  # a burst's crops are shown with each of its pictures

    def add(self, image: Image.Image, side: int, said: str) -> Markup:
        """Write a copy of at most so many pixels a side, and return its element."""
        copy, content = image.copy(), io.BytesIO()
        copy.thumbnail((side, side), Image.Resampling.LANCZOS)
        copy.save(content, "JPEG", quality=_QUALITY)
        # By its content: whatever becomes of this run, no page shows another picture's.
        name = f"{hashlib.sha256(content.getvalue()).hexdigest()[:24]}.jpg"
        if not (self._folder / name).exists():
            files.write_bytes(self._folder / name, content.getvalue())
        self.written.add(name)
        width, height = map(str, copy.size)
        where = f"{PICTURES}/{name}"
        return tag("img", src=where, alt=said, width=width, height=height, loading="lazy")

    def crop(self, source: Path | bytes | str, said: str, caption: str) -> Markup:
        """Show a crop, with words below; a text is why it is not there."""
        shown = self._files.get(source) if isinstance(source, Path) else None
        if shown is None:
            shown = self._copied(source, said)
        if isinstance(source, Path):
            self._files[source] = shown
        return tag("figure", shown, tag("figcaption", caption))

    def _copied(self, source: Path | bytes | str, said: str) -> Markup:
        try:
            if not isinstance(source, str):
                return self.add(imaging.open_upright(source), CROP, said)
            reason = source
        except imaging.UnreadableImage as error:
            reason = error.reason
        return tag("p", reason, cls="muted")


def write(
    folder: Path, made_by: str, task: Task, items: Callable[[Pictures], Iterable[Item]]
) -> int:
    """Write the pages; return how many items they have.

    What an earlier run wrote and this one does not is removed.

    Raises:
        UserError: if the folder holds anything else, or another run writes there.
    """
    folders.check_claimable(folder, made_by)
    folders.mark(folder, made_by, {})
    with locks.locked(folder / folders.STATE / "lock"):
        pictures = Pictures(folder)
        made = list(items(pictures))
        names = [f"page-{i + 1}.html" if i else "index.html" for i in range(-(-len(made) // MOST))]
        for i, name in enumerate(names or ["index.html"]):
            part = made[i * MOST : (i + 1) * MOST]
            files.write_text(folder / name, _page(task, part, names, i))
        _remove_others(folder, {*names, "index.html"}, pictures.written)
    return len(made)


def _remove_others(folder: Path, pages: set[str], pictures: set[str]) -> None:
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name) and path.name not in pages:
            path.unlink()
    for path in (folder / PICTURES).glob("*.jpg"):
        if path.name not in pictures:
            path.unlink()


def _page(task: Task, items: Sequence[Item], names: Sequence[str], at: int) -> str:
    facts = json.dumps(asdict(task), ensure_ascii=False)
    tools = tag("div", tag("button", "Export as CSV", type="button", id="export"), id="tools")
    said = tag("span", id="said", role="status")
    progress = tag("div", html.meter(0), tag("span", id="done"), said, id="progress")
    dock = tag("div", progress, tag("div", id="bar", role="group", aria_label="decide"), id="dock")
    return html.document(
        task.title,
        tag("h1", task.title),
        tag("p", task.lead),
        _keys(task),
        *_links(names, at),
        tag("p", id="warning", cls="callout alarm", role="alert", hidden=""),
        tools,
        tag("div", *map(_article, items), id="decide", data_facts=facts),
        dock,
        script=_SCRIPT,
        sources=_SOURCES,
    )


def _keys(task: Task) -> Markup:
    listed = [
        *((mark.key, mark.said) for mark in task.marks),
        ("p", "as predicted"),
        ("1 … 9", "one of the commonest classes"),
        ("/", "any class: type a part of it, then Enter"),
        *([("+", "note a second animal")] if task.second else []),
        ("z", "undo"),
        ("↓ ↑ or j k", "next, previous"),
        ("v", "enlarge; arrows show the other pictures, Esc closes"),
        ("f", "filter"),
        ("e", "export"),
    ]
    rows = (tag("li", tag("kbd", key), f" {said}") for key, said in listed)
    return html.fold("Keys", tag("ul", *rows, cls="legend"), opened=False)


def _links(names: Sequence[str], at: int) -> Iterator[Markup]:
    if len(names) > 1:
        links = (
            tag("a", str(i + 1), href=name, **({"aria_current": "page"} if i == at else {}))
            for i, name in enumerate(names)
        )
        said = f"Page {at + 1} of {len(names)}: "
        yield tag("nav", said, Markup(" ").join(links), cls="pages", aria_label="pages")


def _article(item: Item) -> Markup:
    data = {f"data_{name}": value for name, value in asdict(item).items() if name != "content"}
    answer = tag("p", cls="said")
    return tag("article", item.content, answer, tabindex="-1", aria_label=item.key, **data)
