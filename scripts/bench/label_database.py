"""CPU time and peak memory of the label database: an import, questions, all of json_validator.

python scripts/bench/label_database.py --images 1000000
python scripts/bench/label_database.py --images 200000 --times 50  # copied in it
"""

from __future__ import annotations

import argparse
import contextlib
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import annotations

IMPORT = """
import re, sys, time
from pathlib import Path
from database_tools import import_labels
begin = time.process_time()
assert import_labels.main([sys.argv[2], sys.argv[1], "--dataset", "ds"]) == 0
seconds = time.process_time() - begin
"""

ASK = """
import re, sys, time
from pathlib import Path
from database_tools.labels_db.database import LabelDatabase
begin = time.process_time()
with LabelDatabase(Path(sys.argv[2])) as labels:
    found = sum(1 for _ in labels.images("ds", {f"species {i}" for i in range(int(sys.argv[3]))}))
seconds = time.process_time() - begin
print(f"{found:,} rows", end="  ")
"""

COPY = """
WITH RECURSIVE copy(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM copy WHERE k < {times} - 1)
INSERT INTO image (file, location, sequence, frame, datetime, label, of_sequence, boxes)
SELECT format('z%05d/', k) || file, location, sequence, frame, datetime, label, of_sequence, boxes
FROM copy CROSS JOIN image WHERE image.id <= {count};
UPDATE dataset SET last_image = (SELECT max(id) FROM image);
"""

QUERY = """
import json, re, sys, time
from pathlib import Path
from database_tools import json_validator
folder = Path(sys.argv[2]).parent
spec = {f"label {i}": {"dataset_labels": {"ds": [f"species {i}"]}, "max_count": 10000}
        for i in range(int(sys.argv[3]))}
(folder / "spec.json").write_text(json.dumps(spec))
columns = "dataset_name,query,taxonomy_level,scientific_name,taxonomy_string"
(folder / "taxonomy.csv").write_text(columns)
begin = time.process_time()
words = ["spec.json", "taxonomy.csv", "--db", "labels.db", "-o", "out"]
words = [str(folder / word) if word[0] != "-" else word for word in words]
assert json_validator.main(words) == 0
seconds = time.process_time() - begin
"""

TELL = """
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(f"{seconds:6.2f} CPU s  {int(peak) / 1000:8.1f} MB")
"""


def main() -> None:
    """Print a line for the import and one for each number of labels asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=1)
    args = parser.parse_args()
    count = args.images
    with tempfile.TemporaryDirectory() as folder:
        source, database = Path(folder) / "cct.json", Path(folder) / "labels.db"
        annotations.write(source, count)
        print(f"{count:,} images and as many annotations, {source.stat().st_size / 1e6:.0f} MB")
        steps = [("import", IMPORT, 0), ("ask", ASK, 20), ("ask", ASK, 1), ("query", QUERY, 20)]
        if args.times > 1:
            steps = [steps[0], ("ask", ASK, 2), ("ask", ASK, 20)]
        for name, program, labels in steps:
            print(f"{name:<8}", end="", flush=True)
            words = [str(source), str(database), str(labels)]
            subprocess.run([sys.executable, "-c", program + TELL, *words], check=True)
            if name == "import" and args.times > 1:
                with contextlib.closing(sqlite3.connect(database)) as db:
                    db.executescript(COPY.format(times=args.times, count=count))
        print(f"database: {database.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
