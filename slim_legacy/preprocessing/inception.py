"""Inception's preprocessing for training and evaluation, numerically TF-slim's.

Pictures become RGB in [-1, 1]. Resizing is TensorFlow 1's bilinear (no half pixel centres, no
antialiasing, aspect ignored): ``tf.image.resize`` and Keras' ``Resizing`` differ from it by up to
0.15 on real crops. JPEGs are decoded by TensorFlow's default method, as in the original.

A JPEG's crop is decoded alone, which gives the same pixels as cropping the whole.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

CENTRAL_FRACTION = 0.875  # of each side
AREA_RANGE = (0.05, 1.0)
ASPECT_RANGE = (0.75, 1.33)
MIN_COVERED = 0.1  # of the whole picture, so this is the least area in effect
ATTEMPTS = 100
MAX_BRIGHTNESS = 32 / 255
SATURATION_RANGE = (0.5, 1.5)


def for_evaluation(encoded: tf.Tensor, size: int) -> tf.Tensor:
    """Decode, take the centre, resize and scale.

    Args:
        encoded: scalar string, JPEG, PNG, GIF or BMP.
        size: side of the result.

    Returns:
        (size, size, 3) float32 in [-1, 1].
    """
    return to_network(_decode_window(encoded, _central_window), size)


def centre(image: tf.Tensor, size: int) -> tf.Tensor:
    """Do the same with a decoded picture, (height, width, 3) uint8, or float32 in [0, 1]."""
    y, x, height, width = tf.unstack(_central_window(tf.shape(image)))
    return to_network(image[y : y + height, x : x + width], size)


def for_training(encoded: tf.Tensor, size: int, seed: tf.Tensor) -> tf.Tensor:
    """Decode a random window, resize it, flip it in half the cases, and vary its colours.

    Brightness moves by up to 32/255, saturation is scaled by 0.5 to 1.5 (the "fast mode", the
    only one that the original's flags reach).

    Args:
        encoded: scalar string, as for evaluation.
        size: side of the result.
        seed: (2,) int64; the same seed gives the same picture.

    Returns:
        (size, size, 3) float32 in [-1, 1].
    """
    window, flip, brightness, saturation = tf.unstack(
        tf.random.experimental.stateless_split(seed, 4)
    )
    crop = _decode_window(encoded, lambda shape: random_window(shape, window))
    image = resize(tf.image.convert_image_dtype(crop, tf.float32), size)
    image = tf.image.stateless_random_flip_left_right(image, flip)
    image = tf.image.stateless_random_brightness(image, MAX_BRIGHTNESS, brightness)
    image = tf.image.stateless_random_saturation(image, *SATURATION_RANGE, saturation)
    return (tf.clip_by_value(image, 0, 1) - 0.5) * 2


def random_window(shape: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Draw a window of a picture: (4,) int32 y, x, height, width.

    Its area is 0.1 to 1 of the picture's and its width over height 0.75 to 1.33; the whole
    picture after 100 attempts in vain.
    """
    begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
        shape,
        bounding_boxes=tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        seed=seed,
        min_object_covered=MIN_COVERED,
        aspect_ratio_range=ASPECT_RANGE,
        area_range=AREA_RANGE,
        max_attempts=ATTEMPTS,
        use_image_if_no_bounding_boxes=True,
    )
    return tf.concat([begin[:2], size[:2]], axis=0)


def to_network(image: tf.Tensor, size: int) -> tf.Tensor:
    """Resize (height, width, 3) uint8, or float32 in [0, 1], and scale it to [-1, 1]."""
    return (resize(tf.image.convert_image_dtype(image, tf.float32), size) - 0.5) * 2


def resize(image: tf.Tensor, size: int) -> tf.Tensor:
    """Resize (height, width, 3) float32 as TensorFlow 1 did."""
    resized = tf.raw_ops.ResizeBilinear(
        images=image[None], size=[size, size], align_corners=False, half_pixel_centers=False
    )
    return tf.ensure_shape(resized[0], (size, size, 3))


def _central_window(shape: tf.Tensor) -> tf.Tensor:
    """The middle of (height, width, ...): start = int((side - 0.875 side) / 2), by float64."""
    sides = tf.cast(shape[:2], tf.float64)
    start = tf.cast((sides - sides * CENTRAL_FRACTION) / 2, tf.int32)
    return tf.concat([start, shape[:2] - 2 * start], axis=0)


def _decode_window(encoded: tf.Tensor, choose: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """Decode the window that ``choose`` takes from the picture's shape: (h, w, 3) uint8."""

    def jpeg() -> tf.Tensor:
        window = choose(tf.image.extract_jpeg_shape(encoded))
        return tf.image.decode_and_crop_jpeg(encoded, window, channels=3)

    def other() -> tf.Tensor:
        image = tf.image.decode_image(encoded, channels=3, expand_animations=False)
        y, x, height, width = tf.unstack(choose(tf.shape(image)))
        return image[y : y + height, x : x + width]

    return tf.ensure_shape(tf.cond(tf.io.is_jpeg(encoded), jpeg, other), (None, None, 3))
