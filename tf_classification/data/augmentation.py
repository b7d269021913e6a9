"""Random changes of training pictures as numbers, drawn for a whole batch at a time.

Nothing here touches a pixel; ``transforms.Augmenter`` does.  Numbers come as uniform draws from
outside, so a row's changes depend on nothing but those, and one NumPy call per batch replaces
some fifty TensorFlow operations per picture, which cost as much as a fifth of the decoding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

TRIES = 10
"""Windows drawn until one fits into the picture, as in torchvision."""

DRAWS = 4 * TRIES + 9
"""Uniform numbers that a picture takes."""

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in grey, ITU-R BT.601, as Pillow and torchvision use."""


@dataclass(frozen=True)
class Augmentation:
    """What happens to a training picture; the defaults are the README's PyTorch script's.

    Attributes:
        scale: smallest and largest part of the picture's area that a crop keeps.
        ratio: smallest and largest width over height of a crop.
        rotation: largest turn to either side in degrees; corners become black.
        horizontal_flip: probability.
        vertical_flip: probability.
        grayscale: probability.
        jitter: brightness, contrast and saturation are multiplied by 1 ± up to this.
        mixup: alpha of MixUp's Beta distribution; 0 for none.
        cutmix: alpha of CutMix's Beta distribution; 0 for none.
        rand_augment: number of RandAugment's operations on each picture; 0 for none.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    rotation: float = 90
    horizontal_flip: float = 0.5
    vertical_flip: float = 0.1
    grayscale: float = 0.1
    jitter: float = 0.25
    mixup: float = 0
    cutmix: float = 0
    rand_augment: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"scale must be in (0, 1], smallest first, got {self.scale}")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"ratio must be above 0, smallest first, got {self.ratio}")
        for name in ("horizontal_flip", "vertical_flip", "grayscale", "jitter"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        for name in ("mixup", "cutmix", "rand_augment"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not 0 <= self.rotation <= 180:
            raise ValueError(f"rotation must be in [0, 180], got {self.rotation}")


@dataclass(frozen=True, eq=False)
class Changes:
    """The changes of B pictures, row by row.

    Attributes:
        window: (B, 4) int32, rows (top, left, height, width) in pixels of the whole picture.
        turn: (B,) float32 in [-1, 1], times the largest rotation, counterclockwise.
        flips: (B, 2) bool, rows (upside down, mirrored).
        colour: (B, 3, 3) float32; a pixel (red, green, blue) times this is its new colour.
        shade: (B,) float32; this times the picture's mean grey after ``colour`` is added to
            every channel, which makes the change of contrast.
        seed: (B, 2) int32 of at least 0, for changes that draw on their own.
    """

    window: Ints
    turn: Floats
    flips: npt.NDArray[np.bool_]
    colour: Floats
    shade: Floats
    seed: Ints


def generator(seed: int, step: int) -> np.random.Generator:
    """Return the source of the random changes of one step, whatever was drawn before.

    Args:
        seed: of the run, at least 0.
        step: from 0, over all epochs.
    """
    # The epoch plans draw with keys of the same kind, but from counter 0.
    bits = np.random.Philox(key=np.array([seed, step], np.uint64), counter=[0, 0, 0, 1])
    return np.random.Generator(bits)


def draw(augmentation: Augmentation, sizes: Ints, uniform: npt.NDArray[np.float64]) -> Changes:
    """Turn uniform numbers into changes.

    Args:
        augmentation: the ranges.
        sizes: (B, 2) height and width of the pictures in pixels, at least 1.
        uniform: (B, DRAWS) in [0, 1).

    Returns:
        The changes.  Brightness b, contrast c and saturation s are one affine map of the
        colours, whatever their order: x becomes b·(c·(s·x + (1-s)·grey(x)) + (1-c)·mean grey).
        (torchvision clips and rounds between the steps.)

    Source: torchvision.transforms: RandomResizedCrop, RandomRotation, RandomHorizontalFlip,
    RandomVerticalFlip, RandomGrayscale, ColorJitter; README, step 6.
    """
    windows, single = uniform[:, : 4 * TRIES], uniform[:, 4 * TRIES :]
    flips = single[:, 1:3] < (augmentation.vertical_flip, augmentation.horizontal_flip)
    grey = single[:, 3] < augmentation.grayscale
    factors = 1 + augmentation.jitter * (2 * single[:, 4:7] - 1)
    brightness, contrast, saturation = factors.T
    saturation = np.where(grey, 0, saturation)[:, None, None]
    mix = saturation * np.eye(3) + (1 - saturation) * LUMA[:, None]
    return Changes(
        window=_windows(augmentation, sizes, windows.reshape(-1, TRIES, 4)),
        turn=(2 * single[:, 0] - 1).astype(np.float32),
        flips=flips,
        colour=((brightness * contrast)[:, None, None] * mix).astype(np.float32),
        # The mean grey after ``colour`` is brightness · contrast · the mean grey before.
        shade=((1 - contrast) / contrast).astype(np.float32),
        seed=(single[:, 7:] * 2**31).astype(np.int32),
    )


def _windows(augmentation: Augmentation, sizes: Ints, uniform: npt.NDArray[np.float64]) -> Ints:
    """Draw windows of random area and shape, rows (top, left, height, width).

    Args:
        augmentation: the ranges.
        sizes: (B, 2).
        uniform: (B, TRIES, 4).

    Returns:
        (B, 4), the first try that fits; else the middle, as large as the ratios allow.
    """
    height, width = sizes[:, :1], sizes[:, 1:]
    low, high = augmentation.scale
    area = height * width * (low + (high - low) * uniform[..., 0])
    log_low, log_high = np.log(augmentation.ratio)
    ratio = np.exp(log_low + (log_high - log_low) * uniform[..., 1])
    w = np.rint(np.sqrt(area * ratio)).astype(np.int32)
    h = np.rint(np.sqrt(area / ratio)).astype(np.int32)
    fits = (w > 0) & (w <= width) & (h > 0) & (h <= height)
    top = (uniform[..., 2] * (height - h + 1)).astype(np.int32)
    left = (uniform[..., 3] * (width - w + 1)).astype(np.int32)
    tries = np.stack([top, left, h, w], axis=-1)
    first = np.take_along_axis(tries, fits.argmax(axis=1)[:, None, None], axis=1)[:, 0]
    return np.where(fits.any(axis=1)[:, None], first, _middle(augmentation, sizes))


def _middle(augmentation: Augmentation, sizes: Ints) -> Ints:
    """Return the largest window in the middle with an allowed ratio, (B, 4)."""
    low, high = augmentation.ratio
    height, width = sizes.T
    h = np.clip(np.rint(width / low), 1, height)
    w = np.clip(np.rint(height * high), 1, width)
    return np.stack([(height - h) // 2, (width - w) // 2, h, w], axis=1).astype(np.int32)
