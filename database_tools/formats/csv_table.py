"""Tables of texts with a header: rows as they come, with the line that each ends on.

UTF-8, with or without a byte order mark.  Missing cells are "", as is what a short row lacks;
more cells than columns are an error unless they are blank.  Written are they whole or not at all.
"""

from __future__ import annotations

import contextlib
import csv
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from database_tools.core.errors import FormatError, UserError
from database_tools.durable import files

Row = Mapping[str, str]

Made = TypeVar("Made")


def rows(path: Path | zipfile.Path, needed: Collection[str] = ()) -> Iterator[tuple[int, Row]]:
    """Yield (line, row) of each row below the header, values by their columns.

    Raises:
        FormatError: if it is no table, or lacks a column that is needed.
    """
    line = 1
    try:
        with path.open("r", encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            columns = reader.fieldnames or []
            if missing := [name for name in needed if name not in columns]:
                rule = f"no column {missing[0]!r}; it has {', '.join(columns) or 'none'}"
                raise FormatError(str(path), "line 1", rule)
            for row in reader:
                line = reader.line_num
                # DictReader keeps what is too much under None.
                if any(row.pop(None, ())):
                    rule = f"more values than the {len(columns)} columns"
                    raise FormatError(str(path), f"line {line}", rule)
                yield line, row
    except (FileNotFoundError, IsADirectoryError):
        raise UserError(f"{path}: no such file") from None
    except UnicodeDecodeError as error:
        raise FormatError(str(path), "", f"not UTF-8 text: {error.reason}") from None
    except csv.Error as error:
        raise FormatError(str(path), f"after line {line}", f"not CSV: {error}") from None


def made(path: Path, needed: Collection[str], make: Callable[[Row], Made | None]) -> Iterator[Made]:
    """Yield what ``make`` makes of each row; None is left out, a ValueError told with the line."""
    for line, row in rows(path, needed):
        with FormatError.at(path, f"line {line}"):
            found = make(row)
        if found is not None:
            yield found


def number(row: Row, name: str, least: float = 0, most: float = 1) -> float:
    """Return the number in a cell; raise ValueError if it is none in [least, most]."""
    with contextlib.suppress(ValueError):
        if least <= (value := float(row[name])) <= most:
            return value
    raise ValueError(f"{name} must be in [{least}, {most}], got {row[name]!r}")


@contextlib.contextmanager
def writing(path: Path, columns: Sequence[str]) -> Iterator[Any]:
    """Give a ``csv.writer`` below the header; the file appears at the end of the block."""
    with files.writing(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        yield writer
