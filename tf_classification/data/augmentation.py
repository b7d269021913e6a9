"""Random changes of training pictures; every random number is handed in."""

from __future__ import annotations

from dataclasses import dataclass


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
        jitter: brightness, contrast and saturation change by up to this factor.
        mixup: alpha of MixUp's Beta distribution; 0 for none.
        cutmix: factor of CutMix's Beta distribution; 0 for none.
        rand_augment: number of RandAugment's operations per picture; 0 for none.
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
