r"""Map a classifier's labels to the categories that you want.

    python map_classification_categories.py \
        target_label_spec.json \
        /path/to/megaclassifier/v0.1_label_spec.json \
        /path/to/camera_trap_taxonomy_mapping.csv \
        --output target_to_classifier_labels.json \
        --classifier-label-index /path/to/megaclassifier/v0.1_index_to_name.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("map_classification_categories.py", __doc__)
    add = parser.add_argument
    add("desired_label_spec_json", type=Path, help="label specification of the targets")
    add("classifier_label_spec_json", type=Path, help="label specification of the classifier")
    add("taxonomy_csv", type=Path, help="taxonomy CSV that both speak of")
    add("-o", "--output", type=Path, required=True, help="JSON to write: target to labels")
    text = "label index of the classifier, if it has fewer labels than its specification"
    add("-i", "--classifier-label-index", type=Path, help=text)
    return parser


def _run(args: argparse.Namespace) -> None:
    from tf_classification.predictions import mapping

    mapping.write_mapping(**vars(args))


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
