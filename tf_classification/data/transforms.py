"""Pictures for a network, without randomness: decode, and the evaluation transform.

All results are RGB in [0, 255]; networks scale them themselves.
"""

from __future__ import annotations

import tensorflow as tf

SHRINKS = (1, 2, 4, 8)
"""A JPEG can be decoded at one of these fractions of its size, which is cheaper."""

_CUBIC_REACH = 2
"""Pixels to either side that a bicubic kernel looks at."""


def decode(encoded: tf.Tensor) -> tf.Tensor:
    """Decode JPEG, PNG, GIF or BMP, a scalar string, to RGB; transparency is dropped.

    JPEG is decoded as Pillow does it, bit for bit; TensorFlow's faster way is hardly faster, and
    up to 4 of 255 off.

    Returns:
        (height, width, 3) uint8.

    Raises:
        InvalidArgumentError: if it is no such picture.
    """
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE"),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(image, (None, None, 3))


def for_evaluation(image: tf.Tensor, size: int, shrunk: int | tf.Tensor = 1) -> tf.Tensor:
    """Resize the shorter side to ``size`` (bicubic, antialiased) and cut the middle square.

    Only the square is computed, from the pixels that reach into it: a picture of one row of
    400,000 pixels takes no more memory than another.

    Args:
        image: (height, width, 3) uint8.
        size: side of the result in pixels.
        shrunk: how many pixels of the whole picture, to a side, one of ``image`` stands for.

    Returns:
        (size, size, 3) float32 in [0, 255].

    Source: README, step 6; torchvision's Resize(size, BICUBIC) and CenterCrop(size).
    """
    # In 64 bits, as places in a very long picture need more digits than float32 has.
    shape = tf.cast(tf.shape(image)[:2] * shrunk, tf.int64)
    # As torchvision: the longer side is cut to a whole number, not rounded.
    target = tf.maximum(shape * size // tf.reduce_min(shape), size)
    # As torchvision: halves go to the even number.
    corner = tf.round((target - size) / 2)
    scale = target / shape * tf.cast(shrunk, tf.float64)
    reach = _CUBIC_REACH * tf.maximum(1 / scale, 1)
    first = tf.maximum(tf.floor(corner / scale - reach), 0)
    last = tf.math.ceil((corner + size) / scale + reach)
    top, left, bottom, right = tf.unstack(tf.cast(tf.concat([first, last], 0), tf.int32))
    # The operation behind tf.image.resize, which would compute what is then cut off.
    square = tf.raw_ops.ScaleAndTranslate(
        images=image[None, top:bottom, left:right],
        size=(size, size),
        scale=tf.cast(scale, tf.float32),
        translation=tf.cast(first * scale - corner, tf.float32),
        kernel_type="keyscubic",
        antialias=True,
    )
    return tf.ensure_shape(tf.clip_by_value(square[0], 0, 255), (size, size, 3))


def decode_for_evaluation(encoded: tf.Tensor, size: int, *, shrink: bool = False) -> tf.Tensor:
    """Turn an encoded picture, scalar string, into a network's input, (size, size, 3) float32.

    The one way from bytes to a network, in evaluation and in served models.

    Args:
        encoded: scalar string.
        size: side of the result in pixels.
        shrink: decode a large JPEG at 1/2, 1/4 or 1/8 of its size, where a third more than
            the network needs is left.  From the whole picture the result is half a grey level
            off on average, so a model is asked as it was judged: its bundle says which way.

    Raises:
        InvalidArgumentError: if it is no such picture.
    """
    if not shrink:
        return for_evaluation(decode(encoded), size)
    image, shrunk = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: _shrunk_jpeg(encoded, size),
        lambda: (decode(encoded), tf.constant(1)),
    )
    return for_evaluation(image, size, shrunk)


def decode_shrinking(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Do ``decode_for_evaluation`` as the bundles that are written now do it."""
    return decode_for_evaluation(encoded, size, shrink=True)


def _shrunk_jpeg(encoded: tf.Tensor, size: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the picture, (height, width, 3) uint8, and the pixels that one of it stands for."""
    side = tf.reduce_min(tf.io.extract_jpeg_shape(encoded)[:2])
    halvings = tf.reduce_sum(tf.cast(side // SHRINKS[1:] * 3 >= size * 4, tf.int32))

    def decoded(ratio: int) -> tf.Tensor:
        return tf.io.decode_jpeg(encoded, channels=3, ratio=ratio, dct_method="INTEGER_ACCURATE")

    image = tf.switch_case(halvings, [lambda ratio=ratio: decoded(ratio) for ratio in SHRINKS])
    return image, tf.gather(SHRINKS, halvings)
