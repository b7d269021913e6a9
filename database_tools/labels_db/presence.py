"""Whether the pictures that labels speak of are there: below a folder, else in their container."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from database_tools.core import reasons
from database_tools.core.errors import UserError
from database_tools.durable.listing import Folders
from database_tools.labels_db import asked
from database_tools.labels_db.containers import Containers
from database_tools.stores import presence


class Presence:
    """Looks for the pictures of each dataset once."""

    def __init__(self, folder: Path | None, db: Path | None) -> None:
        """Take a folder of pictures, ``<dataset>/<file>``, and what knows the containers."""
        self._folders = None if folder is None else Folders(folder)
        self._containers = Containers(lambda: asked.places(db))
        self._known: dict[str, Mapping[str, str]] = {}

    def absent(self, dataset: str, files: Iterable[str]) -> Mapping[str, str]:
        """Return the files that are not there, or of which that cannot be said, each with why.

        Raises:
            UserError: if nobody says where the pictures lie, or their container refuses.
        """
        if dataset not in self._known:
            self._known[dataset] = self._look(dataset, files)
        return self._known[dataset]

    def _look(self, dataset: str, files: Iterable[str]) -> Mapping[str, str]:
        if (folders := self._folders) is not None:
            files = [file for file in files if f"{dataset}/{file}" not in folders]
            if not files:
                return {}  # so nobody need know of a container
        if (store := self._containers.of_dataset(dataset)) is not None:
            return presence.absent(store, files)
        if folders is None:
            rule = "say it with import_labels --container-url, or their folder with -c LOCAL_DIR"
            raise UserError(f"-c: nobody says where the pictures of {dataset} lie; {rule}")
        return dict.fromkeys(files, reasons.MISSING)
