"""The page to drop a crop on; it asks the server's own REST address, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

from tf_classification.models.description import Description

# The page is whole in itself: whatever it shows, it cannot send anything elsewhere.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'"
)

_TEMPLATE = Path(__file__).with_name("page.html")


def render(description: Description, name: str) -> str:
    """Put what the page must know of the model into it."""
    facts = {
        "name": name,
        "network": description.network,
        "imageSize": description.image_size,
        "labels": len(description.labels),
        "thresholds": dict(description.thresholds),
    }
    # "</script>" in a label must not end the script
    text = json.dumps(facts, ensure_ascii=False).replace("<", "\\u003c")
    return _TEMPLATE.read_text(encoding="utf-8").replace("{{FACTS}}", text)
