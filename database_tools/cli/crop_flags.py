"""Flags of the commands that cut pictures into a folder of crops, and what they mean."""

from __future__ import annotations

import argparse
import functools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from database_tools.cli.parser import Parser
from database_tools.cli.progress import progress
from database_tools.core import limits
from database_tools.core.flags import flag, scheduler
from database_tools.remote.arguments import Folder

if TYPE_CHECKING:
    from database_tools.crops.crop_folder import FolderConfig
    from database_tools.stores.store import Store


@dataclass(frozen=True)
class CropFlags:
    """The original's flags of cutting, and ours."""

    images_dir: Folder | None = flag("folder of the pictures", "-i")
    save_full_images: bool = flag(
        "keep pictures that are downloaded in --images-dir", default=False
    )
    square_crops: bool = flag(
        "cut the smallest square around each box instead of the box", default=False
    )
    check_crops_valid: bool = flag(
        "decode the crops that are there; cut those anew that are broken", default=False
    )
    threshold: float = flag("least confidence of a box (default: %(default)s)", "-t", default=0.0)
    threads: int = flag("downloads at a time; cutting takes --workers", "-n", default=1)
    legacy_square: bool = flag(
        "squares as the original cut them: at the right and bottom edges they reach out of the "
        "picture, black there",
        default=False,
        group="additions",
    )
    jpeg_quality: int = flag("of the crops (default: %(default)s)", default=75)
    detection_category: Sequence[str] = flag(
        "names of the categories that are cut (default: animal; people are not)",
        "--detection_category",
        default=("animal",),
        metavar="NAME",
    )
    workers: int = flag("processes (default: all cores)", default=os.cpu_count() or 1)
    dask_scheduler: str | None = scheduler()
    strict: bool = flag("end with status 2 if a picture could not be read", default=False)


def declare_db(parser: Parser) -> None:
    """Declare the flag of what knows the datasets' containers."""
    parser.add_argument(
        "--db",
        type=Path,
        help="label database of import_labels.py, which knows the datasets' containers (default: "
        "$TF_CLASSIFICATION_DB, else MegaDB)",
    )


def config(args: argparse.Namespace, store: Store | None) -> FolderConfig:
    """Return how pictures are cut; raise UserError for what cannot be.

    ``store`` has pictures that are not in --images-dir.
    """
    from database_tools.core.crop_recipe import CropRecipe, Geometry
    from database_tools.core.errors import UserError
    from database_tools.crops.crop_folder import FolderConfig
    from database_tools.crops.source import Source
    from database_tools.crops.wanted import Rule

    source = Source(args.images_dir, store, args.save_full_images, args.threads)
    limits.check(args, "in [0, 1]", "--threshold")
    rule = Rule(args.threshold, tuple(args.detection_category))
    geometry = Geometry.SQUARE if args.square_crops else Geometry.BOX
    try:
        kind = Geometry.LEGACY_SQUARE if args.legacy_square else geometry
        recipe = CropRecipe(kind, quality=args.jpeg_quality)
    except ValueError as error:
        raise UserError(f"--jpeg-quality: {error}") from None
    return FolderConfig(
        source,
        args.cropped_images_dir,
        recipe=recipe,
        rule=rule,
        check=args.check_crops_valid,
        workers=args.workers,
        dask_scheduler=args.dask_scheduler,
    )


show = functools.partial(progress, desc="cropping")
"""Shows progress while pictures are cut."""
