r"""Look at what a classifier did to its splits, from outputs_*.csv.gz, without the model.

    python analyze_classifier_results.py $BASE_LOGDIR/$LOGDIR --label fox

Prints precision and recall of each label, and writes analysis.html: the report of the training,
what the surest crops are taken for, and the pictures of one label by what they were taken for.
analyze_classifier_results.ipynb does the same in a notebook.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli
from database_tools.remote import arguments

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("analyze_classifier_results.py", __doc__)
    add = parser.add_argument
    add("logdir", type=Path, help="folder of a training run, with outputs_*.csv.gz")
    add("--splits", nargs="+", default=(), help="some of those that have outputs (default: all)")
    add("--label", help="show crops of this label by what they were taken for")
    add("-o", "--output", type=arguments.output_file, help="page (default: LOGDIR/analysis.html)")
    return parser


def _run(args: argparse.Namespace) -> None:
    from tf_classification.predictions import analysis  # slow imports wait until flags are good

    content = analysis.read(args.logdir, args.splits)
    output = args.output or args.logdir / analysis.PAGE
    analysis.write(content, output, args.label)
    names = content.evaluation.label_names
    tables = (analysis.statistics(judged, names) for judged in content.evaluation.judgements)
    print("\n\n".join(tables))
    log.info("%s", output)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
