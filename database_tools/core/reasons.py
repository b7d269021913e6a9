"""Why an input is left out: every reason of every stage, named once.

A ledger counts by these words, so they are stable: no name, address, number or time is part of
one.  They are listed in the order in which a picture may meet them; some make groups.
"""

from __future__ import annotations

# of a name
OUTSIDE = "file name outside the image folder"
LISTED_BEFORE = "file name listed before"
TOO_LONG = "file name too long for its crop"
UNWRITABLE = "file name that cannot be written"
NO_TEXT = "file name that is no text"
CLASH = "file name that the output's disk takes for another one"

# of what people said
NO_ANNOTATION = "no annotation"
SEVERAL_CATEGORIES = "several categories"
EXCLUDED_CATEGORY = "excluded category"
NO_LOCATION = "no location"
SEVERAL_LOCATIONS = "several locations"

SEVERAL_CLASSES = "several classes, not all of them wanted"
OF_THE_SEQUENCE = "label of the whole sequence only"
MISLABELED = "known to be mislabeled"
FEW_LOCATIONS = "label at too few locations"
NOT_SAMPLED = "more than max_count"

# of a file; the image loader tells them apart
MISSING = "missing"
UNREADABLE = "unreadable"
EMPTY = "empty"
TRUNCATED = "truncated"
CORRUPT = "corrupt"
NOT_AN_IMAGE = "not an image"
NO_IMAGE_NAME = "file name that is not an image's"
TOO_LARGE = "too large"

# of detections
NOT_IN_DETECTION_FILE = "not in the detection file"
FAILURE_IN_DETECTION_FILE = "failure in the detection file"
DETECTOR_FAILED = "inference failure"
NO_DETECTION_FILE = "no detections of its dataset"
TASK_FAILED = "detection task that failed"
TASK_OPEN = "detection task that has not ended"
VIDEO = "boxes of a video"
NOT_FINITE = "detections that are not finite numbers"
NOTHING_DETECTED = "nothing detected"
BELOW_THRESHOLD = "only below the threshold"
PEOPLE_ONLY = "people or other categories only"
SEVERAL_DETECTIONS = "several detections"

# of crops
NO_AREA = "box without area"
NOT_ENCODABLE = "crop that its kind of file cannot hold"
CROP_TOO_LARGE = "crop of too many pixels"

NAMES = frozenset({OUTSIDE, LISTED_BEFORE, TOO_LONG, UNWRITABLE, NO_TEXT, CLASH, NO_IMAGE_NAME})
READING = frozenset({MISSING, UNREADABLE, EMPTY, TRUNCATED, CORRUPT, NOT_AN_IMAGE, TOO_LARGE})
"""Why a picture cannot be used; ``unreadable`` is what the system refuses."""

MAX_PIXELS = 200_000_000
"""Pixels from which on a picture is ``too large``, unless told otherwise: 0.8 GB in Pillow."""

DETECTIONS = frozenset(
    [
        *(NOT_IN_DETECTION_FILE, FAILURE_IN_DETECTION_FILE, DETECTOR_FAILED, NO_DETECTION_FILE),
        *(TASK_FAILED, TASK_OPEN, VIDEO, NOT_FINITE),
        *(NOTHING_DETECTED, BELOW_THRESHOLD, PEOPLE_ONLY, SEVERAL_DETECTIONS),
    ]
)
CROPS = frozenset({NO_AREA, NOT_ENCODABLE, CROP_TOO_LARGE})

# beside the pictures: counted in a ledger's own lines, not in its sum
UNLISTED = "annotation of an image that is not listed"
BOXES = {reason: f"{reason}, of a picture with others" for reason in sorted(CROPS)}
