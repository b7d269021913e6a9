r"""Sum a classifier's probabilities into target categories.

    python aggregate_classifier_probs.py \
        classifier_output.csv.gz \
        --target-mapping target_to_classifier_labels.json \
        --output-csv classifier_output_remapped.csv.gz \
        --output-label-index label_index_remapped.json
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("aggregate_classifier_probs.py", __doc__)
    add = parser.add_argument
    add("classifier_results_csv", type=Path, help="CSV of the classifier's probabilities")
    add("-t", "--target-mapping", type=Path, required=True, help="JSON: target to labels")
    add("-o", "--output-csv", type=Path, required=True, help="CSV to write, .gz if so named")
    add("-i", "--output-label-index", type=Path, required=True, help="label index JSON to write")
    return parser


def _run(args: argparse.Namespace) -> None:
    from tf_classification.predictions import mapping

    mapping.aggregate(**vars(args))


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
