r"""Answer as precisely as is safe: the lowest taxon whose summed probability reaches a target.

    python roll_up.py classifier_output.csv.gz --detection-json detections.json \
        --output_dir rolled_up --classifier-name my_classifier --model my_model

A picture that may be a fox or a wolf becomes a canid.  Tables of fuse_sequences are read, too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from tf_classification.predictions import result_request
from tf_classification.predictions.roll_request import RollRequest


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("roll_up.py", __doc__)
    result_request.add_flags(parser.add_argument)
    taxa = parser.add_argument_group("what labels are: give at least one").add_argument
    taxa("--model", type=Path, help="bundle, or .tflite beside its JSON, that knows it")
    taxa("--taxonomy", type=Path, metavar="CSV", help="taxonomy CSV; with --model, for lineages")
    taxa("--label_spec", type=Path, metavar="JSON", help="of the labels, for --taxonomy")
    taxa("--taxonomy_parents", type=Path, metavar="CSV", help="parents of taxa that have several")
    add = parser.add_argument_group("how").add_argument
    add(
        "--target",
        type=float,
        default=RollRequest.target,
        help="least probability of an answer (default: %(default)s)",
    )
    add("--allow_list", type=Path, metavar="FILE", help="labels and taxa that there can be")
    add("--geofence", type=Path, metavar="JSON", help="what lives where, as SpeciesNet has it")
    add("--country", metavar="ISO3", help="where the pictures were taken, e.g. KEN")
    add("--admin1", metavar="CODE", help="part of the country, e.g. CA")
    return parser


def _run(args: argparse.Namespace) -> None:
    request = RollRequest(**vars(args))
    from tf_classification.predictions import rolling

    rolling.run(request)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
