"""What nobody else may see, struck out of what is shown: the second net below each client's own."""

from __future__ import annotations

import re

_SIGNATURE = re.compile(r"(\bsig(?:=|%3d))[^&\s'\"]+", re.IGNORECASE)


def hidden(text: str) -> str:
    """Strike out the signatures of SAS, without which these are worth nothing."""
    return _SIGNATURE.sub(r"\1...", text)
