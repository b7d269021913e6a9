r"""Check a label specification, and query the label database for its images.

    python json_validator.py \
        $BASE_LOGDIR/label_spec.json \
        /path/to/camera_trap_taxonomy_mapping.csv \
        --output-dir $BASE_LOGDIR \
        --json-indent 1 \
        --mislabeled-images /path/to/megadb_mislabeled
"""

from __future__ import annotations

from database_tools import cli
from database_tools.labels_db.query_config import QueryConfig


def _run(config: QueryConfig) -> None:
    if config.explain is None:
        from database_tools.labels_db import queries

        queries.run(config)
    else:
        from database_tools.labels_db import explanation

        explanation.run(config)


main = cli.of_request("json_validator.py", __doc__, QueryConfig, _run)

if __name__ == "__main__":
    raise SystemExit(main())
