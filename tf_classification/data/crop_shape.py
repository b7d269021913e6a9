"""How large and how long the crops are that a model learns from.

    {"longest_side": 812, "least_aspect": 0.61, "most_aspect": 1.75}

Whoever asks the model about something larger, or of another shape, has probably forgotten to cut
out the animal.  The aspect is width over height.
"""

from __future__ import annotations

import numpy as np

from tf_classification.data import picture_size
from tf_classification.data.examples import Examples

_LOOKED_AT = 1000


def of(crops: Examples) -> dict[str, float] | None:
    """Return the extremes of up to a thousand crops, evenly spaced; None if none can be read."""
    rows = np.unique(np.linspace(0, len(crops) - 1, min(len(crops), _LOOKED_AT)).astype(np.int64))
    sizes = picture_size.read_all(crops.reader(rows) if len(rows) else [])
    sizes = sizes[sizes.all(axis=1)]
    if not len(sizes):
        return None
    aspects = sizes[:, 1] / sizes[:, 0]
    return {
        "longest_side": int(sizes.max()),
        "least_aspect": round(float(aspects.min()), 4),
        "most_aspect": round(float(aspects.max()), 4),
    }
