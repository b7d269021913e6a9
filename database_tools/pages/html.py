"""HTML in parts: text is escaped wherever it enters, and only what was made here is markup.

    page = html.document("A & B", html.section("Birds", html.tag("p", "<none>")))

A part is a ``Markup``; a plain ``str`` is text and is escaped by jinja2's rules, so that no name
of a label, a file or a location can become a tag.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib import resources

import jinja2
import numpy as np
from markupsafe import Markup, escape

_VOID = {"br", "img", "input", "meta"}
_HEADING = re.compile(r"<section><h2>(.*?)</h2>", re.DOTALL)


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


def card(value: str, name: str, note: str) -> Markup:
    """Write a figure large, what it is, and a note below."""
    return tag("div", tag("b", value), tag("span", name), tag("small", note), cls="card")


def fold(heading: str, content: str, opened: bool, **attributes: str) -> Markup:
    """Write a part that can be opened and closed."""
    if opened:
        attributes["open"] = ""
    return tag("details", tag("summary", heading), content, **attributes)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], cls: str = "") -> Markup:
    """Write a table of a head and rows of cells."""
    first = tag("tr", *(tag("th", cell) for cell in head))
    rest = (tag("tr", *(tag("td", cell) for cell in row)) for row in rows)
    return tag("div", tag("table", tag("thead", first), tag("tbody", *rest), cls=cls), cls="scroll")


def meter(share: float) -> Markup:
    """Draw a share as a bar."""
    return tag("meter", value=f"{share:.3f}")


def document(title: str, *content: Markup, script: str = "", sources: str = "img-src data:") -> str:
    """Write a page that loads ``sources`` only, with contents and search (see ``page.js``)."""
    body, contents = _with_contents(Markup("").join(content))
    scripts = _scripts(script)
    return _shell().render(
        title=title,
        policy=policy(script, sources),
        style=Markup(_text("page.css")),
        contents=contents,
        body=body,
        scripts=[Markup(text) for text in scripts],
    )


def policy(script: str = "", sources: str = "img-src data:") -> str:
    """Return the Content-Security-Policy of such a page: only its own style and scripts count."""
    allowed = " ".join(map(_hash, _scripts(script)))
    return (
        f"default-src 'none'; {sources}; style-src {_hash(_text('page.css'))}; "
        f"script-src {allowed}; base-uri 'none'; form-action 'none'"
    )


def _scripts(script: str) -> list[str]:
    return [_text("page.js"), *([script] if script else [])]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _with_contents(body: Markup) -> tuple[Markup, Markup]:
    """Number the sections, and list them; nothing for fewer than two."""
    headings = _HEADING.findall(body)
    if len(headings) < 2:
        return body, Markup("")
    numbers = iter(range(1, len(headings) + 1))
    numbered = _HEADING.sub(
        lambda found: f'<section id="part-{next(numbers)}"><h2>{found[1]}</h2>', body
    )
    links = (
        tag("li", tag("a", Markup(heading), href=f"#part-{i}"))
        for i, heading in enumerate(headings, 1)
    )
    listed = tag("details", tag("summary", "Contents"), tag("ul", *links), cls="contents")
    return Markup(numbered), tag("nav", listed, aria_label="contents")


@cache
def _shell() -> jinja2.Template:
    return jinja2.Environment(autoescape=True, trim_blocks=True).from_string(_text("page.html"))


@cache
def _text(name: str) -> str:
    return resources.files("database_tools.pages").joinpath(name).read_text("utf-8")
