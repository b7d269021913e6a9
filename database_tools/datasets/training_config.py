"""What ``create_classification_dataset.py`` is asked to do, and which requests make no sense.

Light to import, as the command takes its defaults from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError
from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder, Output

CSV, SPLITS = "csv", "splits"

_FOR_CSV = (
    "queried_images_json",
    "cropped_images_dir",
    "detector_output_cache_dir",
    "detector_version",
)

_ONLY_FOR = {
    CSV: (*_FOR_CSV, "threshold", "min_locs"),
    SPLITS: (
        *("val_frac", "test_frac", "method", "label_spec"),
        *("seed", "splits_json", "require_all_splits"),
    ),
}


@dataclass(frozen=True)
class TrainingConfig:
    """What to make: the flags of the command."""

    output_dir: Output = argument("folder of the dataset")
    mode: Sequence[str] = flag(
        "make classification_ds.csv and label_index.json, or splits.json (default: both)",
        default=(CSV, SPLITS),
        choices=(CSV, SPLITS),
    )
    match_test: tuple[Path, Path] | None = flag(
        "take over the test set of another dataset",
        nargs=2,
        metavar=("CLASSIFICATION_CSV", "SPLITS_JSON"),
    )
    queried_images_json: Path | None = flag("JSON of the queried images", "-q", group=f"{CSV} mode")
    cropped_images_dir: Folder | None = flag("folder of the crops", "-c")
    detector_output_cache_dir: Path | None = flag(
        "folder of detections, v<version>/<dataset>.json", "-d"
    )
    detector_version: str | None = flag("version of the detector, e.g. 4.1", "-v")
    threshold: float = flag(
        "least detection confidence of a crop (default: %(default)s)", "-t", default=0.8
    )
    min_locs: int = flag("leave out labels of fewer locations", default=0)
    val_frac: float | None = flag(
        "about this fraction of the crops is for val", group=f"{SPLITS} mode"
    )
    test_frac: float | None = flag("the same for test (default: 0)")
    method: str = flag(
        "how locations are chosen (default: %(default)s)",
        default="random",
        choices=("random", "smallest_first"),
    )
    label_spec: Path | None = flag(
        "label specification whose prioritize says which datasets are taken first for test; "
        "only with --method smallest_first"
    )
    seed: int = flag("of --method random", default=0, group="additions")
    splits_json: Path | None = flag(
        "splits of your own instead of --method: checked against the crops, and taken over"
    )
    require_all_splits: bool = flag(
        "end with status 2 if a label has no crop in one of the splits", default=False
    )

    def __post_init__(self) -> None:
        for mode in {*_ONLY_FOR}.difference(self.mode):
            for name in _ONLY_FOR[mode]:
                if getattr(self, name) != getattr(TrainingConfig, name):
                    raise UserError(f"--mode {self.mode[0]} makes nothing of {_flag(name)}")
        if CSV in self.mode:
            self._check_csv()
        if SPLITS in self.mode:
            self._check_splits()

    def _check_csv(self) -> None:
        for name in _FOR_CSV:
            if getattr(self, name) is None:
                raise UserError(f"--mode {CSV} needs {_flag(name)}")
        limits.check(self, "in [0, 1]", "--threshold")
        limits.check(self, "at least 0", "--min-locs")
        for name in ("cropped_images_dir", "detector_output_cache_dir"):
            if not (folder := getattr(self, name)).is_dir():
                raise UserError(f"{folder}: no such folder, given as {_flag(name)}")

    def _check_splits(self) -> None:
        if self.splits_json is not None:
            for name in ("val_frac", "test_frac", "match_test", "label_spec"):
                if getattr(self, name) is not None:
                    raise UserError(f"--splits-json says all: leave out {_flag(name)}")
            return
        if self.val_frac is None:
            raise UserError(f"--mode {SPLITS} needs --val-frac")
        if self.match_test is not None and self.test_frac is not None:
            raise UserError("--match-test brings the test set: leave out --test-frac")
        if self.label_spec is not None and self.method != "smallest_first":
            raise UserError("--label-spec needs --method smallest_first")
        test = self.test_frac or 0.0
        limits.check(self, "in [0, 1]", "--val-frac", "--test-frac")
        if self.val_frac + test > 1:
            total = f"{self.val_frac} and {test}"
            raise UserError(f"--val-frac and --test-frac are more than 1 together: {total}")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
