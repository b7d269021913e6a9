r"""Classify one crop with a frozen graph and print the five most likely classes.

    python predict_image.py --frozen_graph serengeti.pb --classlist classlist.txt \
        --image_path crop.jpg
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("predict_image.py", __doc__)
    add = parser.add_argument
    add("--frozen_graph", type=Path, required=True, help="frozen graph (.pb)")
    add("--classlist", type=Path, required=True, help="names of the classes, one a line")
    add("--image_path", type=Path, required=True, help="crop to classify")
    return parser


def _run(args: argparse.Namespace) -> None:
    from slim_legacy.inference import predictions  # slow imports wait until the flags are good

    best = predictions.predict(args.frozen_graph, args.classlist, args.image_path)
    print("Prediction finished. Most likely classes:")
    for name, probability in best:
        print(f'    "{name}" with confidence {probability:.2%}')


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
