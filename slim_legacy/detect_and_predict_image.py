r"""Detect animals in pictures, classify them, and write a copy with boxes and names.

    python detect_and_predict_image.py md_v4.1.0.pb serengeti.pb --classes_file classlist.txt \
        --image_file elk.jpg

The classifier is a frozen graph with its list of classes, or a model bundle or .tflite, which have
their own.  Crops are cut as those that the classifier learned from, if it says how.
elk.jpg becomes elk_detections.jpg beside it.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

from database_tools import cli
from database_tools.core import limits


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("detect_and_predict_image.py", __doc__)
    add = parser.add_argument
    add("detector", type=Path, help="frozen graph or SavedModel of a detector")
    add("classifier", type=Path, help="frozen graph (.pb), model bundle or .tflite")
    add("--classes_file", type=Path, help="names of the classes, one a line; a bundle has its own")
    images = parser.add_mutually_exclusive_group(required=True)
    images.add_argument("--image_dir", type=Path, help="folder of pictures")
    images.add_argument("--image_file", type=Path, help="one picture")
    add("--recursive", action="store_true", help="also look into subfolders of --image_dir")
    add("--threshold", type=float, default=0.85, help="least confidence of a box (%(default)s)")
    add("--num_annotated_classes", type=int, default=3, help="names at a box (%(default)s)")
    text = "crop's side over the box's (default: as the classifier's crops were made, else 1.6)"
    add("--padding_factor", type=float, help=text)
    add(
        "--detection_category",
        nargs="+",
        default=["animal"],
        help="names or ids of detection categories to classify and draw, or any (default: animal)",
    )
    return parser


def _run(args: argparse.Namespace) -> None:
    limits.check(args, "in [0, 1]", "--threshold")
    limits.check(args, "at least 1", "--num_annotated_classes")
    limits.check(args, "a finite number of at least 1", "--padding_factor")
    from slim_legacy.inference import detect_and_predict as work  # slow imports wait

    asked = work.asked_recipe(args.padding_factor)
    drawing = work.Drawing(
        args.detection_category, args.threshold, names=args.num_annotated_classes
    )
    images = [args.image_file] if args.image_file else work.pictures(args.image_dir, args.recursive)

    from database_tools import detectors
    from tf_classification import predictor
    from tf_classification.predictor import recipes

    classifier = predictor.open(args.classifier, args.classes_file)
    recipe = recipes.choose(classifier, asked, work.DEFAULT_RECIPE)
    drawing = replace(drawing, recipe=recipe)
    detector = detectors.open(args.detector, batch_size=1)
    progress = partial(cli.progress, desc="pictures")
    for path in work.run(detector, classifier, images, drawing, progress):
        print(path)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
