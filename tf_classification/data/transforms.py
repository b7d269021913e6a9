"""Pictures for a network, without randomness: decode, and the evaluation transform.

All results are RGB in [0, 255]; networks scale them themselves.
"""

from __future__ import annotations

import tensorflow as tf


def decode(encoded: tf.Tensor, *, exact: bool = True) -> tf.Tensor:
    """Decode JPEG, PNG, GIF or BMP to RGB; grey becomes RGB, transparency is dropped.

    Args:
        encoded: scalar string.
        exact: decode JPEG as Pillow does, bit for bit; otherwise up to 4 of 255 off and
            hardly faster.

    Returns:
        (height, width, 3) uint8.

    Raises:
        InvalidArgumentError: if it is no such picture.
    """
    method = "INTEGER_ACCURATE" if exact else "INTEGER_FAST"
    image = tf.cond(
        tf.io.is_jpeg(encoded),
        lambda: tf.io.decode_jpeg(encoded, channels=3, dct_method=method),
        lambda: tf.io.decode_image(encoded, channels=3, expand_animations=False),
    )
    return tf.ensure_shape(image, (None, None, 3))


def for_evaluation(image: tf.Tensor, size: int) -> tf.Tensor:
    """Resize the shorter side to ``size`` (bicubic, antialiased) and cut the middle square.

    Args:
        image: (height, width, 3) uint8.
        size: side of the result in pixels.

    Returns:
        (size, size, 3) float32 in [0, 255].

    Source: README, step 6; torchvision's Resize(size, BICUBIC) and CenterCrop(size).
    """
    shape = tf.shape(image)[:2]
    # As torchvision: the longer side is cut to a whole number, not rounded.
    target = tf.maximum(shape * size // tf.reduce_min(shape), size)
    resized = tf.image.resize(image, target, method="bicubic", antialias=True)
    # As torchvision: halves go to the even number.
    top, left = tf.unstack(tf.cast(tf.round((target - size) / 2), tf.int32))
    cut = resized[top : top + size, left : left + size]
    return tf.ensure_shape(tf.clip_by_value(cut, 0, 255), (size, size, 3))


def decode_for_evaluation(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Turn an encoded picture, scalar string, into a network's input, (size, size, 3) float32.

    The one way from bytes to a network, in evaluation and in served models.
    """
    return for_evaluation(decode(encoded), size)
