r"""Export a trained classifier: as a model bundle, and to LiteRT, ONNX or OpenVINO.

    python export_model.py $LOGDIR/params.json $LOGDIR/best.weights.h5 --output-dir exported
    python export_model.py model --output-dir exported --format litert litert-int8 onnx openvino

The first writes the model bundle exported/bundle/1, fit for TensorFlow Serving and serve.py.  The
second converts a bundle and prints a table: accuracy on validation crops and speed of each
format, beside the SavedModel's.  The crops are those of the training, or of the flags below.
"""

from __future__ import annotations

from dataclasses import replace

from database_tools import cli
from tf_classification.export.request import ExportRequest


def _run(asked: ExportRequest) -> None:
    asked = replace(asked, formats=tuple(dict.fromkeys(asked.formats)))

    from tf_classification.export import comparison, exporting

    rows = exporting.export(asked)
    if rows:
        print(comparison.text(rows))


main = cli.of_request("export_model.py", __doc__, ExportRequest, _run)

if __name__ == "__main__":
    raise SystemExit(main())
