r"""Which crops should an expert label next, so that few answers teach a classifier much?

    python suggest_labels.py embeddings to_label.csv
    python suggest_labels.py embeddings to_label_2.csv --labels answers.csv

The first crops are spread over what the crops look like and over the cameras; once there are
answers (path,label,decision,location), they are those that a classifier is least sure of.  A page
with the crops lies beside the CSV; train_head.py --labels learns from the answers.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.remote import arguments

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("suggest_labels.py", __doc__)
    add = parser.add_argument
    add("embeddings", type=arguments.folder, help="folder of embeddings, by embed_crops.py")
    add("output", type=arguments.output_file, help="CSV to write, with labels to fill in")
    add("--labels", type=Path, metavar="CSV", help="the answers so far")
    add("-n", "--number", type=int, default=20, help="crops to suggest (default: %(default)s)")
    add("--seed", type=int, default=0, help="of every draw (default: %(default)s)")
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    # Slow imports wait until the flags are good.
    from tf_classification.heads import suggesting

    number = suggesting.run(suggesting.SuggestRequest(**vars(args)))
    log.info("%d crops to label in %s, to look at in its .html", number, args.output)


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
