"""Carries out random changes on pixels, in as few passes over them as possible.

1. Decode only the drawn window of a JPEG, at 1/2, 1/4 or 1/8 of its size where the network
   needs no more: cheaper, and without the aliasing of a plain shrinking by more than two.
2. Resize (bilinear).
3. Brightness, contrast, saturation and grey as one product of matrices and one clipping.
4. Turn and flips as one gather (nearest neighbour, as the README's PyTorch script does it).

Measured against the same steps written with Pillow in scripts/bench/README.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from tf_classification.data import augmentation, picture_size
from tf_classification.data.augmentation import Augmentation, Floats, Ints
from tf_classification.data.rand_augment import RandAugment
from tf_classification.data.transforms import SHRINKS

Recipe: TypeAlias = tuple[npt.NDArray[np.generic], ...]

_OTHER = len(SHRINKS)
_BLANK = _OTHER + 1

_BLOCK = 4
"""Pixels in one row of the colour product: rows of three numbers leave a CPU's lanes empty."""

_MEAN_STEP = 8
"""One block of so many is looked at for the mean of a picture."""

_TABLE_BYTES = 64 * 2**20
"""The table of turns has an entry for each degree, or fewer if it would be larger than this."""


class Augmenter:
    """Turns encoded pictures into (size, size, 3) float32 in [0, 255].

    Attributes:
        changes: what may happen to a picture.
        size: side of the results in pixels.
        turns: (T, size, size) int32, from the largest turn clockwise to the largest
            counterclockwise: where each pixel of the turned picture comes from.
        recipe_types: what one row of ``recipes`` is.
    """

    def __init__(self, changes: Augmentation, size: int) -> None:
        self.changes = changes
        self.size = size
        turns = np.stack([_turn(angle, size) for angle in _angles(changes.rotation, size)])
        # Corners turn black before the contrast is taken, and darken the mean.
        self._covered = (turns < size * size).mean(axis=(1, 2))
        self.turns = tf.constant(turns)
        self._block = _BLOCK if size % 2 == 0 else 1
        self._further = RandAugment(changes.rand_augment, size) if changes.rand_augment else None
        self.recipe_types = (
            tf.TensorSpec((), tf.int32),  # branch that decodes
            tf.TensorSpec((4,), tf.int32),  # window in pixels of the shrunk picture
            tf.TensorSpec((), tf.int32),  # number of the turn
            tf.TensorSpec((2,), tf.bool),  # flips
            tf.TensorSpec((3 * self._block, 3 * self._block), tf.float32),  # colours of a block
            tf.TensorSpec((), tf.float32),  # shade
            tf.TensorSpec((2,), tf.int32),  # seed
        )

    def recipes(
        self, encoded: Sequence[bytes], sizes: Ints, uniform: npt.NDArray[np.float64]
    ) -> Recipe:
        """Decide what happens to each picture of a batch.

        Args:
            encoded: B pictures.
            sizes: (B, 2) as ``picture_size`` gives them; an unreadable picture becomes black.
            uniform: (B, augmentation.DRAWS) in [0, 1).

        Returns:
            Arrays of B rows of ``recipe_types``.
        """
        drawn = augmentation.draw(self.changes, np.maximum(sizes, 1), uniform)
        branch = _branches(drawn.window, self.size)
        jpeg = np.array([picture_size.is_jpeg(e) for e in encoded], bool)
        shrink = np.where(jpeg, np.take(SHRINKS, branch), 1)
        branch = np.where(jpeg, branch, _OTHER)
        branch = np.where((sizes == picture_size.UNREADABLE).any(axis=1), _BLANK, branch)
        window = np.maximum(drawn.window // shrink[:, None], (0, 0, 1, 1))
        turn = np.rint((drawn.turn + 1) / 2 * (len(self.turns) - 1)).astype(np.int32)
        return (
            branch.astype(np.int32),
            window.astype(np.int32),
            turn,
            drawn.flips,
            np.kron(np.eye(self._block, dtype=np.float32), drawn.colour),
            (drawn.shade * self._covered[turn]).astype(np.float32),
            drawn.seed,
        )

    def __call__(self, encoded: tf.Tensor, recipe: Sequence[tf.Tensor]) -> tf.Tensor:
        """Decode and change one picture.

        Args:
            encoded: scalar string.
            recipe: one row of ``recipes``.

        Returns:
            (size, size, 3) float32, whole numbers in [0, 255].

        Raises:
            InvalidArgumentError: if the picture turns out to be broken.
        """
        branch, window, turn, flips, colour, shade, seed = recipe
        pixels = self._decode(encoded, branch, window)
        # The raw operation: tf.image.resize adds ten small ones that cost more than this one.
        sides = (self.size, self.size)
        pixels = tf.raw_ops.ResizeBilinear(images=pixels[None], size=sides, half_pixel_centers=True)
        pixels = self._recolour(pixels, colour, shade)
        image = self._rotate(pixels, turn, flips)
        return self._further(image, seed) if self._further else image

    def _decode(self, encoded: tf.Tensor, branch: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
        def cut_jpeg(shrink: int) -> tf.Tensor:
            return tf.raw_ops.DecodeAndCropJpeg(
                contents=encoded, crop_window=window, channels=3, ratio=shrink
            )

        def cut_other() -> tf.Tensor:
            whole = tf.io.decode_image(encoded, channels=3, expand_animations=False)
            cut = tf.slice(whole, [window[0], window[1], 0], [window[2], window[3], 3])
            # Cannot be shrunk while it is decoded, so it is resized here, with antialiasing.
            resized = tf.image.resize(cut, (self.size, self.size), antialias=True)
            return tf.cast(tf.round(resized), tf.uint8)

        branches = [lambda shrink=shrink: cut_jpeg(shrink) for shrink in SHRINKS]
        blank = tf.zeros((1, 1, 3), tf.uint8)
        return tf.switch_case(branch, [*branches, cut_other, lambda: blank])

    def _recolour(self, image: tf.Tensor, colour: tf.Tensor, shade: tf.Tensor) -> tf.Tensor:
        """Change the colours of (1, size, size, 3).

        Returns:
            (size * size + 1, 3): the pixels in one row, and a black one, whose colour changes too.
        """
        blocks = tf.matmul(tf.reshape(image, (-1, 3 * self._block)), colour)
        mean = tf.reduce_mean(blocks[::_MEAN_STEP], axis=0)
        luma = np.tile(augmentation.LUMA / self._block, self._block).astype(np.float32)
        offset = shade * tf.tensordot(mean, luma, 1)
        pixels = tf.concat([tf.reshape(blocks, (-1, 3)), tf.zeros((1, 3))], axis=0)
        # Clips and rounds in one pass.
        return tf.quantization.fake_quant_with_min_max_args(pixels + offset, 0, 255)

    def _rotate(self, pixels: tf.Tensor, turn: tf.Tensor, flips: tf.Tensor) -> tf.Tensor:
        """Turn and flip (size * size + 1, 3) pixels, the last of which fills the corners."""
        places = tf.raw_ops.Reverse(tensor=self.turns[turn], dims=flips)
        return tf.gather(pixels, places)


def _branches(window: Ints, size: int) -> npt.NDArray[np.int64]:
    """Return how often each window, (B, 4), may be halved and still have ``size`` pixels a side."""
    sides = window[:, 2:].min(axis=1)
    return (sides[:, None] // SHRINKS[1:] >= size).sum(axis=1)


def _angles(largest: float, size: int) -> Floats:
    """Return the turns of the table in degrees: about one a degree, as many to either side."""
    room = _TABLE_BYTES // (4 * size * size)
    to_a_side = min(int(largest), (room - 1) // 2)
    if to_a_side < 1:
        return np.zeros(1, np.float32)
    return np.linspace(-largest, largest, 2 * to_a_side + 1, dtype=np.float32)


def _turn(degrees: float, size: int) -> Ints:
    """Return where each pixel of a picture turned counterclockwise comes from.

    Returns:
        (size, size) int32, position in the flattened picture; size * size for the corners,
        which come from outside.
    """
    middle = (size - 1) / 2
    place = np.arange(size, dtype=np.float32) - np.float32(middle)
    sine, cosine = math.sin(math.radians(degrees)), math.cos(math.radians(degrees))
    # Sums of a row and a column: a table for all degrees takes a tenth of a second.
    from_y = np.rint(np.float32(sine) * place + (cosine * place + middle)[:, None])
    from_x = np.rint(np.float32(cosine) * place + (middle - sine * place)[:, None])
    inside = (from_y >= 0) & (from_y < size) & (from_x >= 0) & (from_x < size)
    return np.where(inside, from_y * size + from_x, size * size).astype(np.int32)
