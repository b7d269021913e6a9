"""What ``run_classifier.py`` is asked for; needs no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from database_tools.core.flags import argument, flag
from database_tools.remote.arguments import Folder, OutputFile
from tf_classification.predictor.crops_request import CropsRequest


@dataclass(frozen=True)
class RunRequest(CropsRequest):
    """Flags of the command; raise UserError for values that cannot be, or not together."""

    model: Path = argument("model bundle, .tflite with its model.json, or PyTorch .pt")
    crops_dir: Folder | None = argument(
        "folder of crops; not with --images-dir", nargs="?", kw_only=True
    )
    output: OutputFile = argument("CSV to write, compressed if its name ends in .gz")
    classifier_categories: Path | None = flag(
        "label index JSON; a .pt needs it, other models have their own", "-c"
    )
    image_size: int | None = flag("of the model; any other is an error")
    unknown: bool = flag(
        "tell animals that the model never learnt, in OUTPUT_unknown.csv", default=False
    )

    @property
    def unknown_table(self) -> Path:
        """The table of these, beside the output."""
        name = self.output.name.removesuffix(".gz").removesuffix(".csv")
        return self.output.with_name(f"{name}_unknown.csv")
