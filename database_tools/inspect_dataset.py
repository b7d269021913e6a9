r"""Look into a classification dataset, as one page, before a classifier learns from it.

    python inspect_dataset.py $BASE_LOGDIR --cropped-images-dir /path/to/crops \
        --page $BASE_LOGDIR/inspect_dataset.html

It shows samples of each label, crops and locations by label and split, labels for which these are
extreme, and how sure the detector was.  inspect_dataset.ipynb is the same as a notebook.
"""

from __future__ import annotations

import argparse

from database_tools import cli
from database_tools.cli import places
from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.label_shares import Thresholds
from database_tools.remote import arguments

_RULES = {
    "locations": "fewer locations in val or test, or a smaller share of the label's",
    "train_locations": "the same in train",
    "crops": "fewer crops in val or test, and a smaller share of the label's",
    "train_crops": "the same in train",
}


def build_parser() -> cli.Parser:
    """Declare the flags."""
    parser = cli.Parser("inspect_dataset.py", __doc__)
    add = parser.add_argument
    add("dataset_dir", type=arguments.folder, help="of classification_ds.csv and splits.json")
    add("-c", "--cropped-images-dir", type=arguments.folder, help="of the crops, to show some")
    add("--page", type=arguments.output_file, required=True, help="page to write")
    add("--samples", type=int, default=5, metavar="N", help="crops of each label (default: 5)")
    add("--seed", type=int, default=0, help="of the samples (default: 0)")
    extreme = parser.add_argument_group("which labels are extreme").add_argument
    for name, rule in _RULES.items():
        number, share = default = getattr(Thresholds, name)
        extreme(
            f"--{name}",
            nargs=2,
            type=float,
            default=default,
            metavar=("NUMBER", "SHARE"),
            help=f"{rule} (default: {number} {share})",
        )
    places.declare(parser)
    return parser


def _run(args: argparse.Namespace) -> None:
    from database_tools.datasets import inspection

    limits.check(args, "at least 0", "--samples")
    pairs = {name: tuple(getattr(args, name)) for name in _RULES}
    for name, (_, share) in pairs.items():
        if not 0 <= share <= 1:
            raise UserError(f"--{name}: a share must be in [0, 1], got {share}")
    crops = args.cropped_images_dir
    if crops is not None and not crops.is_dir():
        raise UserError(f"{crops}: no such folder, given as --cropped-images-dir")
    found = inspection.read(args.dataset_dir, args.samples, args.seed)
    least = Thresholds(**pairs)
    inspection.write_page(args.page, found, crops, least)
    for one in found.shares.extremes(least):
        print(f"{one.label}: {one.number:,} {one.of} in {one.split}, {one.share:.1%} of the label")


main = cli.Command(build_parser, _run)

if __name__ == "__main__":
    raise SystemExit(main())
