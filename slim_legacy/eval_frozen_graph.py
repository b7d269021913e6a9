r"""Measure the top-1 accuracy of a frozen graph on the test crops of a COCO-style dataset.

    python eval_frozen_graph.py --frozen_graph serengeti.pb \
        --coco_style_output /path/to/cocostyle/output
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("eval_frozen_graph.py", __doc__)
    add = parser.add_argument
    add("--frozen_graph", type=Path, required=True, help="frozen graph (.pb)")
    add("--coco_style_output", type=Path, required=True, help="folder with test.json and its crops")
    return parser


def _run(args: argparse.Namespace) -> None:
    from slim_legacy.inference import predictions  # slow imports wait until the flags are good

    accuracy = predictions.evaluate(args.frozen_graph, args.coco_style_output, print)
    print(f"Final result is {accuracy:.2%} top-1 accuracy")


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
