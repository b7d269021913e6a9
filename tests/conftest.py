"""Settings of the whole suite."""

from __future__ import annotations

import os

from hypothesis import settings

# CI says the same about the same commit; at a desk every run tries other examples.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")
