"""CPU time and peak memory of reading COCO Camera Traps JSON: rows, rows into SQLite, columns.

python scripts/bench/annotations.py --images 1000000
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = """
import json, re, sqlite3, sys, time
from pathlib import Path
from database_tools.formats import coco_camera_traps
path, way = Path(sys.argv[1]), sys.argv[2]


def rows():
    for _ in coco_camera_traps.rows(path):
        pass


def sqlite():
    database = sqlite3.connect(path.with_suffix(".db"))
    database.execute("PRAGMA journal_mode = OFF")
    tables = {}
    for row in coco_camera_traps.rows(path):
        kind = type(row)
        if kind not in tables:
            columns = ", ".join(kind._fields)
            database.execute(f"CREATE TABLE {kind.__name__} ({columns})")
            places = ", ".join("?" * len(kind._fields))
            tables[kind] = f"INSERT INTO {kind.__name__} VALUES ({places})", []
        insert, waiting = tables[kind]
        waiting.append(row)
        if len(waiting) == 1000:
            database.executemany(insert, waiting)
            waiting.clear()
    for insert, waiting in tables.values():
        database.executemany(insert, waiting)
    database.execute("CREATE INDEX by_image ON Annotation (image_id)")
    database.commit()


def columns():
    coco_camera_traps.read(path)


def whole():
    json.loads(path.read_text(encoding="utf-8"))


begin = time.process_time()
locals()[way]()
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(time.process_time() - begin, int(peak) / 1000)
"""


def write(path: Path, count: int) -> None:
    """Write annotations of so many images, one each, as LILA's sets have them."""
    with path.open("w", encoding="utf-8") as file:
        categories = [{"id": i, "name": f"species {i}"} for i in range(20)]
        file.write(f'{{"info": {{"version": "1.0"}}, "categories": {json.dumps(categories)}')
        for key in ("images", "annotations"):
            file.write(f', "{key}": [')
            for i in range(count):
                entry = image(i) if key == "images" else annotation(i)
                file.write((", " if i else "") + json.dumps(entry))
            file.write("]")
        file.write("}")


def image(i: int) -> dict[str, object]:
    """Make an image's entry."""
    return {
        "id": f"{i:032x}",
        "file_name": f"site_{i % 300:03d}/camera/IMG_{i:07d}.JPG",
        "location": f"site_{i % 300:03d}",
        "seq_id": f"sequence-{i // 3:08d}",
        "seq_num_frames": 3,
        "frame_num": i % 3,
        "datetime": "2021-05-01 03:44:54",
        "width": 2048,
        "height": 1536,
    }


def annotation(i: int) -> dict[str, object]:
    """Make an annotation's entry."""
    return {"id": f"a{i}", "image_id": f"{i:032x}", "category_id": i % 20}


def main() -> None:
    """Print a line for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    count = parser.parse_args().images
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cct.json"
        write(path, count)
        print(f"{count:,} images and as many annotations, {path.stat().st_size / 1e6:.0f} MB")
        for way in ("whole", "rows", "sqlite", "columns"):
            result = subprocess.run(
                [sys.executable, "-c", PROGRAM, str(path), way],
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
            seconds, peak = map(float, result.stdout.split())
            print(f"{way:<10} {seconds:6.1f} CPU s  {peak:8.1f} MB")


if __name__ == "__main__":
    main()
