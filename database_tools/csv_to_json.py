r"""Translate a label specification from CSV to JSON.

python csv_to_json.py label_spec.csv label_spec.json --json-indent 2
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli


def build_parser() -> cli.Parser:
    """Declare the flags; their spelling is part of the product."""
    parser = cli.Parser("csv_to_json.py", __doc__)
    add = parser.add_argument
    add("input_csv_file", type=Path, help="path to input CSV file")
    add("output_json_path", type=Path, help="path to output JSON file")
    add("--json-indent", type=int, help="number of spaces to indent by (default: on one line)")
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.formats import label_spec, label_spec_csv

    spec = label_spec_csv.read(args.input_csv_file)
    label_spec.write(args.output_json_path, spec, args.json_indent)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
