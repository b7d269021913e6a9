"""Settings of the whole suite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# CI says the same about the same commit; at a desk every run tries other examples.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

# Pictures of wild animals with their own licences, which the repository does not hold: a folder
# of that name beside the checkout, or any other.
REAL_PICTURES = Path(
    os.environ.get("REAL_PICTURES", Path(__file__).parents[2] / "shared" / "real_images" / "images")
)


@pytest.fixture(scope="session")
def real_pictures():
    """Return the folder of real camera-trap pictures: speciesnet/..., as SpeciesNet's tests."""
    if not (REAL_PICTURES / "speciesnet").is_dir():
        pytest.skip(f"no pictures of SpeciesNet's test_data in {REAL_PICTURES}: set REAL_PICTURES")
    return REAL_PICTURES
