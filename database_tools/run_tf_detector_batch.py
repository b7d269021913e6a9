r"""Run a detector on pictures, and write what it found as MegaDetector's JSON.

    python run_tf_detector_batch.py md_v4.1.0.pb /path/to/images detections.json \
        --recursive --output_relative_filenames

What is found is kept as it comes: the same command again goes on where a killed one stopped.
"""

from __future__ import annotations

import functools

from database_tools import cli
from database_tools.core import flags
from database_tools.detections.batch_config import BatchConfig


def _run(config: BatchConfig) -> None:
    from database_tools.detections import batch

    batch.run(config, functools.partial(cli.progress, desc="detecting"))


main = cli.of_request("run_tf_detector_batch.py", __doc__, BatchConfig, _run, flags.underscored)

if __name__ == "__main__":
    raise SystemExit(main())
