"""What a picture looks like, in 255 bits: copies that look alike differ in few of them.

The bits are signs of frequencies (a discrete cosine transform of 64 x 64 grey values), the lowest
first, in 32 bytes, whose last bit is 0.  So a copy that was encoded anew, made
smaller or brighter keeps nearly all, and a mirrored one has every odd horizontal frequency turned.
What is cut off the sides changes many, so there is a second hash of what is left without them.

=======================  =====================================================
alike by the bits        at most ``CLOSE`` of 255 differ (sure enough to tell)
perhaps alike            at most ``NEAR``; ``likeness`` of the pixels decides
=======================  =====================================================

Source: the perceptual hash of Zauner, "Implementation and Benchmarking of Perceptual Image Hash
Functions" (2010), with signs instead of a comparison with the median, and more of them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

BYTES = 32
NEAR, CLOSE = 40, 30
ALIKE = 0.92
"""Least correlation of two spectra that look alike; different animals in one pose reach 0.88."""

CUT = 0.025  # of each side

_SIDE, _LOWEST = 64, 16
_FLAT = 0.5  # grey values: the deviation below which there is nothing to see

Hashes = npt.NDArray[np.uint8]
"""(..., 2, BYTES): of the whole picture and without its sides; zeros of one without contrast."""

Spectrum = npt.NDArray[np.float32]


def _cosines() -> Spectrum:
    """Return the (16, 64) lowest cosines, so that C x C' is the transform."""
    places = (np.arange(_SIDE) + 0.5) * np.pi / _SIDE
    cosines = np.cos(np.arange(_LOWEST)[:, None] * places) * np.sqrt(2 / _SIDE)
    cosines[0] /= np.sqrt(2)
    return cosines.astype(np.float32)


_COSINES = _cosines()
_ACROSS, _DOWN = (axis.ravel() for axis in np.meshgrid(np.arange(_LOWEST), np.arange(_LOWEST)))
_ORDER = np.lexsort((_DOWN, np.maximum(_DOWN, _ACROSS), _DOWN + _ACROSS))[1:]
"""Of the 256 frequencies, the lowest first, without the mean."""

_TURNED = _ACROSS[_ORDER] % 2 == 1
_WEIGHTS = np.hypot(_DOWN, _ACROSS)[_ORDER].astype(np.float32)


_MIRROR = np.packbits(_TURNED)


def hashes(picture: Image.Image) -> Hashes:
    """Return the two hashes of a picture, (2, BYTES)."""
    found = _spectra(picture)
    seen = np.linalg.norm(found, axis=1, keepdims=True) > _FLAT * _SIDE
    return np.packbits((found > 0) & seen, axis=-1)


def mirrored(found: Hashes) -> Hashes:
    """Return the hashes of the mirrored pictures."""
    return np.where(found.any(-1, keepdims=True), found ^ _MIRROR, found)


def likeness(first: Image.Image, second: Image.Image) -> float:
    """Return the largest correlation of two pictures, up to 1, cut or mirrored if need be."""
    a, b = (_weighted(_spectra(picture)) for picture in (first, second))
    turned = a * np.where(_TURNED, -1, 1)
    return float(np.max([a @ b.T, turned @ b.T]))


def _weighted(spectra: Spectrum) -> Spectrum:
    """Weigh frequencies by their height, as all pictures have much of the low ones."""
    heavy = spectra * _WEIGHTS
    return np.asarray(heavy / np.maximum(np.linalg.norm(heavy, axis=1, keepdims=True), 1e-6))


def _spectra(picture: Image.Image) -> Spectrum:
    """Return the 255 lowest frequencies of the whole picture and without its sides, (2, 255)."""
    grey = picture.convert("L")
    width, height = grey.size
    x, y = CUT * width, CUT * height
    boxes = ((0.0, 0.0, width, height), (x, y, width - x, height - y))
    small = [grey.resize((_SIDE, _SIDE), Image.Resampling.BOX, box) for box in boxes]
    values = np.stack([np.asarray(one, np.float32) for one in small])
    return np.asarray((_COSINES @ values @ _COSINES.T).reshape(2, -1)[:, _ORDER])
