"""What an audit found: as lines, as JSON, and as a page with the pictures side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from markupsafe import Markup

from database_tools import imaging
from database_tools.core.people import is_people
from database_tools.datasets.audit import KINDS, Audit, AuditRequest, Leak
from database_tools.durable import files
from database_tools.pages import html, pictures
from database_tools.pages.html import tag

_LINES = 5  # of each kind, for people to read; JSON has all
_PAIRS = 40  # of each kind on the page: some megabytes
_SIDE = 200


def lines(audit: Audit, leaks: Sequence[Leak]) -> Iterator[str]:
    """Yield a table of the leaks, the first of each kind, and the crops of each label."""
    counts = Counter(leak.kind for leak in leaks)
    width = max(map(len, KINDS))
    for kind in KINDS:
        yield f"{kind:<{width}}  {counts[kind]:>9,}"
        shown = [leak for leak in leaks if leak.kind == kind]
        yield from (f"  {said(leak)}" for leak in shown[:_LINES])
        if len(shown) > _LINES:
            yield f"  and {len(shown) - _LINES:,} more"
    yield from (f"not looked at: {what}" for what in audit.unseen)
    yield ""
    shares = audit.table.shares
    rows = [["label: crops (locations)", *shares.splits], *shares.rows()]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
        yield "  ".join([f"{first:<{widths[0]}}", *cells])


def said(leak: Leak) -> str:
    """Say a leak in one line."""
    first, second = leak.names or map("/".join, leak.places)
    places = "" if not leak.names else f"  ({' and '.join(map('/'.join, leak.places))})"
    return f"{leak.sides[0]} {first}  {leak.sides[1]} {second}{places}"


def as_json(audit: Audit, leaks: Sequence[Leak]) -> dict[str, object]:
    """Return the same for programs, with nothing left out."""
    shares, counts = audit.table.shares, Counter(leak.kind for leak in leaks)
    return {
        "counts": {kind: counts[kind] for kind in KINDS},
        "leaks": [leak.as_json() for leak in leaks],
        "not_looked_at": audit.unseen,
        "labels": {
            label: {
                split: {"crops": int(crops), "locations": int(places)}
                for split, crops, places in zip(shares.splits, *both, strict=True)
            }
            for label, *both in zip(shares.labels, shares.crops, shares.locations, strict=True)
        },
    }


def write_page(path: Path, audit: Audit, leaks: Sequence[Leak], request: AuditRequest) -> None:
    """Write a page that loads nothing from anywhere."""
    heading = "What leaks from one split into another"
    counts = Counter(leak.kind for leak in leaks)
    shares = audit.table.shares
    parts = [
        tag("h1", heading),
        html.table(["leak", "found"], [[kind, f"{counts[kind]:,}"] for kind in KINDS]),
        *(tag("p", f"Not looked at: {what}.", cls="muted") for what in audit.unseen),
        html.section(
            "Crops (locations) of each label",
            html.table(["label", *shares.splits], list(shares.rows()), cls="find"),
        ),
    ]
    for kind in KINDS:
        if shown := [leak for leak in leaks if leak.kind == kind]:
            pairs = (_pair(leak, audit, request) for leak in shown[:_PAIRS])
            more = f", of which {_PAIRS} are shown" if len(shown) > _PAIRS else ""
            said_of = tag("p", f"{len(shown):,} found{more}.")
            parts.append(html.section(kind.capitalize(), said_of, tag("div", *pairs, cls="groups")))
    files.write_text(path, html.document(heading, *parts))


def _pair(leak: Leak, audit: Audit, request: AuditRequest) -> Markup:
    names = leak.names or ("", "")
    figures = (
        tag(
            "figure",
            _picture(name, audit, request) if name else "",
            tag("figcaption", f"{side}: {'/'.join(place)}", tag("br"), name),
        )
        for side, place, name in zip(leak.sides, leak.places, names, strict=True)
    )
    return tag("div", *figures, cls="shots pair keys", data_name=" ".join(names))


def _picture(name: str, audit: Audit, request: AuditRequest) -> Markup:
    """Show a crop; never a whole picture, in which there may be people."""
    label = audit.label_of.get(name)
    if request.crops is None or label is None or is_people(label):
        return Markup("")
    try:
        return pictures.small(imaging.open_upright(request.crops / name), _SIDE, name)
    except imaging.UnreadableImage:
        return Markup("")
