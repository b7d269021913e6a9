"""A tree as a picture, with lines that join each node to its parent; and as a page to search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from database_tools.pages import html, svg

_ROW, _STEP, _LETTER, _LEFT = 20, 18, 7.2, 10


@dataclass(frozen=True, slots=True)
class Node:
    """One line: how deep it is, from 0, its words, and whether they stand out."""

    depth: int
    words: str
    stands_out: bool = False


def draw(nodes: Sequence[Node], label: str) -> Markup:
    """Draw nodes, parents before their children, as a list that is indented."""
    last: dict[int, float] = {}
    parts = []
    for i, node in enumerate(nodes):
        x, y = _LEFT + _STEP * node.depth, _ROW * (i + 0.7)
        if node.depth:
            corner = x - _STEP + 4
            way = [(corner, last[node.depth - 1] + 4), (corner, y - 4), (x - 3, y - 4)]
            parts.append(svg.line(way, svg.GREY, stroke_width=1))
        last[node.depth] = y
        style = {"font_weight": "bold", "fill": svg.GREEN} if node.stands_out else {"fill": svg.INK}
        parts.append(svg.text(x, y, node.words, font_family="sans-serif", font_size=13, **style))
    widest = max((_STEP * node.depth + _LETTER * len(node.words) for node in nodes), default=0)
    return svg.picture(2 * _LEFT + widest, _ROW * (len(nodes) + 0.5), label, *parts)


def page(nodes: Sequence[Node], title: str) -> str:
    """Write nodes, parents before their children, as a page with a row for each."""
    rows = [
        ["\u2003" * node.depth + (html.tag("b", node.words) if node.stands_out else node.words)]
        for node in nodes
    ]
    number = f"taxa, and labels in bold: {sum(node.stands_out for node in nodes):,}"
    return html.document(title, html.tag("h1", title), html.table([number], rows, cls="find"))
