"""HTML in parts: text is escaped wherever it enters, and only what was made here is markup.

    page = html.document("A & B", html.section("Birds", html.tag("p", "<none>")))

A part is a ``Markup``; a plain ``str`` is text and is escaped by jinja2's rules, so that no name
of a label, a file or a location can become a tag.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources

import jinja2
import numpy as np
from markupsafe import Markup, escape

_VOID = {"br", "img", "meta"}


def percent(share: float | np.floating) -> str:
    """Write a share in percent with one decimal."""
    return f"{float(share):.1%}"


def tag(element: str, *content: str, cls: str = "", **attributes: str) -> Markup:
    """Write an element around its content."""
    if cls:
        attributes["class"] = cls
    written = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), value)
        for key, value in attributes.items()
    )
    start = Markup("<{}{}>").format(element, written)
    if element in _VOID:
        return start
    return start + Markup("").join(map(escape, content)) + Markup("</{}>").format(element)


def section(heading: str, *content: str) -> Markup:
    """Write a section with its heading."""
    return tag("section", tag("h2", heading), *content)


def fold(heading: str, content: str, opened: bool) -> Markup:
    """Write a part that can be opened and closed."""
    summary = tag("summary", heading)
    return tag("details", summary, content, **({"open": ""} if opened else {}))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], cls: str = "") -> Markup:
    """Write a table of a head and rows of cells."""
    first = tag("tr", *(tag("th", cell) for cell in head))
    rest = (tag("tr", *(tag("td", cell) for cell in row)) for row in rows)
    return tag("div", tag("table", tag("thead", first), tag("tbody", *rest), cls=cls), cls="scroll")


def document(title: str, *content: Markup) -> str:
    """Write a page that loads nothing from anywhere."""
    style = Markup(_text("page.css"))
    return _shell().render(title=title, style=style, body=Markup("").join(content)) + "\n"


@cache
def _shell() -> jinja2.Template:
    return jinja2.Environment(autoescape=True).from_string(_text("page.html"))


def _text(name: str) -> str:
    return resources.files("database_tools.pages").joinpath(name).read_text("utf-8")
