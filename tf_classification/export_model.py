r"""Export a trained classifier: as a model bundle, and to LiteRT, ONNX or OpenVINO.

    python export_model.py $LOGDIR/params.json $LOGDIR/best.weights.h5 --output-dir exported
    python export_model.py model --output-dir exported --format litert litert-int8 onnx openvino

The first writes the model bundle exported/bundle/1, fit for TensorFlow Serving and serve.py.  The
second converts a bundle and prints a table: accuracy on validation crops and speed of each
format, beside the SavedModel's.  The crops are those of the training, or of the flags below.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from database_tools import cli
from database_tools.cli import places
from database_tools.remote import arguments
from tf_classification.export.request import ExportRequest
from tf_classification.export.table import FORMATS


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("export_model.py", __doc__)
    add = parser.add_argument
    add("source", type=Path, help="model bundle, or params.json of a training run")
    add("ckpt_path", type=Path, nargs="?", help="with params.json: .weights.h5, .keras or bundle")
    add("-o", "--output-dir", type=arguments.output, required=True, help="folder for the files")
    add("--format", dest="formats", nargs="+", choices=FORMATS, default=(), help="also to these")
    add = parser.add_argument_group("validation crops").add_argument
    add("--dataset-dir", type=arguments.folder, help="of classification_ds.csv and its like")
    add("--cropped-images-dir", type=arguments.folder, help="folder of the crops")
    add("--tfrecords", type=arguments.folder, help="folder of TFRecords, instead of these two")
    number = ExportRequest.calibration_crops
    add("--calibration-crops", type=int, default=number, help="for int8's ranges (%(default)s)")
    number = ExportRequest.compared_crops
    add("--compared-crops", type=int, default=number, help="for the table (%(default)s)")
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    asked = ExportRequest(**{**vars(args), "formats": tuple(dict.fromkeys(args.formats))})

    from tf_classification.export import comparison, exporting

    rows = exporting.export(asked)
    if rows:
        print(comparison.text(rows))


main = cli.command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
