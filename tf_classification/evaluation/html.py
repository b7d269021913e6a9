"""HTML as text: escaping, tables, folds and the style of the report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

_VOID = {"img", "meta"}

_STYLE = """
:root{--ink:#1f2a26;--muted:#66736d;--line:#dfe5e2;--green:#00735c;--soft:#f4f7f5;--orange:#d55e00}
*{box-sizing:border-box}
body{margin:0;background:#fff;color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",
Roboto,"Helvetica Neue",Arial,sans-serif}
main{max-width:1080px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:21px;margin:52px 0 6px;padding-top:14px;border-top:2px solid var(--line)}
h3{font-size:16px;margin:22px 0 4px}
h4{font-size:13px;font-weight:600;color:var(--muted);margin:8px 0 2px}
p{max-width:76ch;margin:6px 0 12px}
.muted{color:var(--muted)}
.lead{font-size:17px}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(210px,1fr));gap:14px;margin:14px 0}
.card{background:var(--soft);border-radius:10px;padding:14px 16px}
.card b{display:block;font-size:32px;line-height:1.15;color:var(--green);
font-variant-numeric:tabular-nums}
.card span{display:block;font-weight:600}
.card small,td small{color:var(--muted)}
.callout{border-left:4px solid var(--green);background:var(--soft);padding:12px 16px;
max-width:none;border-radius:0 8px 8px 0;font-size:16px}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:5px 0 5px 12px;text-align:right;border-bottom:1px solid var(--line);
white-space:nowrap}
th{font-size:12.5px;color:var(--muted);font-weight:600;vertical-align:bottom}
th:first-child,td:first-child{text-align:left;padding-left:0}
.names td:nth-child(2),.names th:nth-child(2){text-align:left}
td small{display:inline-block;min-width:60px;text-align:left;margin-left:6px}
.bar{display:inline-block;width:48px;height:8px;background:#e6ebe8;border-radius:4px;
margin-right:8px;overflow:hidden}
.bar i{display:block;height:100%;background:var(--green)}
.side{display:flex;flex-wrap:wrap;gap:28px;align-items:flex-start}
.side>svg{flex:0 1 auto}
details{border:1px solid var(--line);border-radius:8px;padding:8px 14px;margin:10px 0}
summary{cursor:pointer;font-weight:600}
svg{display:block;width:100%;height:auto;margin:4px 0}
svg text{font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:#1f2a26}
svg .tick{font-size:11px;fill:#66736d}
svg .axis{font-size:12.5px;fill:#44504b;font-weight:600}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(210px,1fr));gap:14px}
figure{margin:0}
figcaption{font-size:12.5px;color:var(--muted);text-align:center}
.grid{display:flex;flex-wrap:wrap;gap:6px}
.grid figure{width:112px}
.grid img{width:112px;height:112px;object-fit:contain;background:var(--soft);border-radius:6px;
display:block}
.grid .wrong img{outline:3px solid var(--orange);outline-offset:-3px}
.grid .wrong figcaption{color:var(--orange);font-weight:600}
@media print{details{break-inside:avoid}h2{break-after:avoid}}
"""


def words(text: str) -> str:
    """Escape text for HTML."""
    return escape(text)


def percent(share: float | np.floating) -> str:
    """Write a share in percent with one decimal."""
    return f"{float(share):.1%}"


def tag(element: str, *content: str, cls: str = "", **attributes: str) -> str:
    """Write an element around HTML content; attributes are escaped."""
    if cls:
        attributes["class"] = cls
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    start = f"<{element}{written}>"
    return start if element in _VOID else f"{start}{''.join(content)}</{element}>"


def section(heading: str, *content: str) -> str:
    """Write a section with its heading."""
    return tag("section", tag("h2", words(heading)), *content)


def fold(heading: str, content: str, opened: bool) -> str:
    """Write a part that can be opened and closed."""
    summary = tag("summary", words(heading))
    return tag("details", summary, content, **({"open": ""} if opened else {}))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], cls: str = "") -> str:
    """Write a table: the head is text, the cells are HTML."""
    first = tag("tr", *(tag("th", words(cell)) for cell in head))
    rest = (tag("tr", *(tag("td", cell) for cell in row)) for row in rows)
    return tag("div", tag("table", tag("thead", first), tag("tbody", *rest), cls=cls), cls="scroll")


def document(title: str, *content: str) -> str:
    """Write a page that loads nothing from anywhere."""
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", **{"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        tag("meta", **{"http-equiv": "Content-Security-Policy", "content": policy}),
        tag("title", words(title)),
        tag("style", _STYLE),
    )
    body = tag("body", tag("main", *content))
    return f'<!doctype html>\n<html lang="en">{head}{body}</html>\n'
