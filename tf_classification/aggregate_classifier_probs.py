r"""Sum a classifier's probabilities into target categories.

    python aggregate_classifier_probs.py \
        classifier_output.csv.gz \
        --target-mapping target_to_classifier_labels.json \
        --output-csv classifier_output_remapped.csv.gz \
        --output-label-index label_index_remapped.json
"""

from __future__ import annotations

import argparse
import functools
from pathlib import Path

from database_tools import cli
from database_tools.remote import arguments


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("aggregate_classifier_probs.py", __doc__)
    add = parser.add_argument
    add("classifier_results_csv", type=Path, help="CSV of the classifier's probabilities")
    add("-t", "--target-mapping", type=Path, required=True, help="JSON: target to labels")
    write = functools.partial(add, type=arguments.output_file, required=True)
    write("-o", "--output-csv", help="CSV to write, .gz if so named")
    write("-i", "--output-label-index", help="label index JSON to write")
    return parser


def _run(args: argparse.Namespace) -> None:
    from tf_classification.predictions import mapping

    mapping.aggregate(**vars(args))


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
