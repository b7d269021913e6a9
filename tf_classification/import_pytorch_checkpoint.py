r"""Turn an EfficientNet-PyTorch checkpoint, such as MegaClassifier's, into a model bundle.

    python import_pytorch_checkpoint.py v0.1_efficientnet-b3_compiled.pt \
        v0.1_index_to_name.json megaclassifier \
        --label-spec v0.1_label_spec.json --square-crops

PyTorch is not needed, and nothing in the checkpoint is executed.  The bundle is for
train_classifier.py --pretrained, evaluate_model.py, export_model.py and serve.py.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

from database_tools import cli

log = logging.getLogger(__name__)


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("import_pytorch_checkpoint.py", __doc__)
    add = parser.add_argument
    add("checkpoint", type=Path, help="training .pt ({epoch, model, ...}) or TorchScript file")
    add("index_to_name", type=Path, help='JSON: {"0": "first label", ...}')
    add("bundle", type=Path, help="folder that gets the bundle as its next version")
    add(
        "--conv-padding",
        choices=("symmetric", "same"),
        default="symmetric",
        help="of stride-2 convolutions: symmetric as efficientnet-pytorch 0.7.0 and MegaClassifier "
        "(default), same as 0.7.1; the file does not tell",
    )
    add("--label-spec", type=Path, help="label specification JSON: taxa of the labels to keep")
    text = "it was trained on the square crops of crop_detections.py"
    add("--square-crops", action="store_true", help=text)
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.core.crop_recipe import CropRecipe, Geometry
    from tf_classification.models import efficientnet_pytorch

    bundle = efficientnet_pytorch.import_checkpoint(
        args.checkpoint,
        args.index_to_name,
        args.bundle,
        conv_padding=args.conv_padding,
        label_spec=args.label_spec,
        recipe=CropRecipe(Geometry.LEGACY_SQUARE) if args.square_crops else None,
    )
    described = bundle.description
    log.info("%s with %d labels: %s", described.network, len(described.labels), bundle.path)


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
