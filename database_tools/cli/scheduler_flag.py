"""The flag of all commands whose work a cluster can do."""

from __future__ import annotations

import argparse


def add_scheduler(group: argparse._ActionsContainer) -> None:
    """Declare it."""
    group.add_argument(
        "--dask_scheduler",
        metavar="ADDRESS",
        help="do the work on a Dask cluster, whose workers see the same files by the same paths",
    )
