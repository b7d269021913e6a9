"""Files at addresses of object stores: ``az://container/a.jpg``, ``s3://...``, ``gs://...``.

    place = remote.path("az://pictures/site1")     # a Path, of this machine or of a store
    (place / "a.jpg").read_bytes()

Code that reads takes ``Path``; a ``RemotePath`` is one that asks its store.  It is for reading
only: what is written is built on a local disk and put by ``stores.staging``.
"""

from __future__ import annotations

from database_tools.remote.remote_path import RemotePath, bring_ahead, here, is_address, path

__all__ = ["RemotePath", "bring_ahead", "here", "is_address", "path"]
