"""What ``create_classification_dataset.py`` is asked to do, and which requests make no sense.

Light to import, as the command takes its defaults from here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from database_tools.core import limits
from database_tools.core.errors import UserError

CSV, SPLITS = "csv", "splits"

_FOR_CSV = (
    "queried_images_json",
    "cropped_images_dir",
    "detector_output_cache_dir",
    "detector_version",
)


@dataclass(frozen=True)
class TrainingConfig:
    """What to make; flags of the command, by the same names.

    Attributes:
        mode: ``csv``, ``splits`` or both.
        test_frac: None for no test split of our own.
    """

    output_dir: Path
    mode: Sequence[str] = (CSV, SPLITS)
    match_test: tuple[Path, Path] | None = None
    queried_images_json: Path | None = None
    cropped_images_dir: Path | None = None
    detector_output_cache_dir: Path | None = None
    detector_version: str | None = None
    threshold: float = 0.8
    min_locs: int = 0
    val_frac: float | None = None
    test_frac: float | None = None
    method: str = "random"
    label_spec: Path | None = None
    seed: int = 0
    splits_json: Path | None = None
    require_all_splits: bool = False

    def __post_init__(self) -> None:
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
