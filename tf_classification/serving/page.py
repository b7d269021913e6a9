"""The page to drop crops on; it asks the server's own REST address, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from database_tools.pages import html
from database_tools.pages.html import tag
from tf_classification.models.description import Description

_SCRIPT = Path(__file__).with_name("page.js").read_text(encoding="utf-8")
_SOURCES = "img-src blob: data:; connect-src 'self'"
# The page is whole in itself: whatever it shows, it cannot send anything elsewhere.
POLICY = html.policy(_SCRIPT, _SOURCES)


def render(description: Description, name: str) -> str:
    """Write the page, with what it must know of the model in an attribute."""
    thresholds = dict(description.thresholds)
    facts = {
        "name": name,
        "thresholds": thresholds,
        "cropShape": description.parameters.get("crop_shape"),
    }
    size = description.image_size
    said = f"{description.network}, {len(description.labels)} labels, {size} × {size} pixels."
    if not thresholds:
        said += " It has no thresholds: whether an answer is sure enough, you must judge."
    file = tag("input", type="file", id="file", multiple="", accept="image/*")
    return html.document(
        f"Classify crops with {name}",
        tag("h1", name),
        tag("p", said, cls="muted"),
        tag("label", "Drop crops of one animal each here, or choose files", file, id="drop"),
        tag("p", id="message", role="status"),
        tag("div", id="answers", data_facts=json.dumps(facts, ensure_ascii=False)),
        tag("p", "Pictures go to this server and nowhere else, and are not kept.", cls="muted"),
        script=_SCRIPT,
        sources=_SOURCES,
    )
