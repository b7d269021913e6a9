"""The model bundle: a SavedModel that explains itself, refused when it was tampered with.

A bundle lies as TensorFlow Serving wants it; the highest number is the newest::

    BASE/1/saved_model.pb               signatures: see ``signatures``
    BASE/1/variables/...
    BASE/1/assets.extra/model.weights.h5    Keras weights, for --pretrained, evaluation and export
    BASE/1/assets.extra/bundle.json         see ``description``
    BASE/1/assets.extra/unknown.npz         see ``unknown``; of heads

``read`` takes ``BASE`` or ``BASE/1`` and needs no TensorFlow.  Whatever uses a model takes its
labels, their order, its input size and its calibration from here and from nowhere else.

The fingerprints tell of damage: a file cut short, weights swapped by mistake.  They do not tell who
wrote a bundle, as whoever writes one writes its fingerprints too.  What a bundle from elsewhere may
do is limited by ``operations``: it computes, and opens no file, connection or program.  It may
still be wrong, or slow.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from database_tools.core.errors import UserError
from database_tools.durable import files
from tf_classification.models import description as descriptions
from tf_classification.models import operations
from tf_classification.models import unknown as unknown_npz
from tf_classification.models.description import Description
from tf_classification.models.unknown import Unknown

if TYPE_CHECKING:
    import keras

    from tf_classification.models.signatures import Decode

SAVED_MODEL = "saved_model.pb"
WEIGHTS = "assets.extra/model.weights.h5"
DESCRIPTION = "assets.extra/bundle.json"
UNKNOWN = "assets.extra/unknown.npz"


@dataclass(frozen=True)
class Bundle:
    """One version of a model on the disk, checked: its folder, and what it says of itself."""

    path: Path
    description: Description

    @property
    def base(self) -> Path:
        """The folder that holds the versions: TensorFlow Serving's ``--model_base_path``."""
        return self.path.parent

    @property
    def version(self) -> int:
        """The version's number."""
        return int(self.path.name)

    @property
    def weights(self) -> Path:
        """The Keras weights file."""
        return self.path / WEIGHTS

    @property
    def unknown(self) -> Unknown | None:
        """What tells animals that the model never learnt; None if nothing does."""
        path = self.path / UNKNOWN
        return unknown_npz.read(path) if path.exists() else None

    def check_labels(self, labels: Sequence[str], origin: str) -> None:
        """Refuse labels from ``origin`` that are not this model's, in its order."""
        check_labels(self.path, self.description.labels, labels, origin)

    def network(self) -> keras.Model:
        """Build the Keras network and load its weights: raw RGB float32 0..255 to logits."""
        from tf_classification.models import signatures, weights

        network = signatures.build_network(self.description)
        try:
            weights.fill(network, self.weights)
        except (ValueError, OSError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(
                f"{self.weights} does not fit the network that {DESCRIPTION} names: {reason}"
            ) from None
        return network


def check_labels(path: Path, ours: Sequence[str], labels: Sequence[str], origin: str) -> None:
    """Refuse labels from ``origin`` that are not those of the model at ``path``, in its order."""
    if tuple(labels) == tuple(ours):
        return
    if len(labels) != len(ours):
        raise UserError(f"{origin} has {len(labels)} labels but the model {path} has {len(ours)}")
    i = next(i for i, (a, b) in enumerate(zip(labels, ours, strict=True)) if a != b)
    raise UserError(
        f"{origin}: label {i} is {labels[i]!r} but the model {path} has {ours[i]!r} there"
    )


def versions(base: Path) -> list[int]:
    """List the numbers of a base folder's versions, rising; other folders do not count."""
    if not base.is_dir():
        return []
    return sorted(
        int(entry.name) for entry in base.iterdir() if entry.name.isdecimal() and entry.is_dir()
    )


def is_bundle(path: Path) -> bool:
    """Tell whether a path looks like a bundle or a base folder of some; ``read`` may refuse it."""
    return any(
        (folder / DESCRIPTION).is_file()
        for folder in (path, *(path / str(n) for n in versions(path)[-1:]))
    )


def read(path: Path) -> Bundle:
    """Read and check a bundle.

    Args:
        path: the version's folder, or the base folder, of which the newest version is taken.

    Raises:
        UserError: if it is not a bundle, or a file of it is missing, or was changed after the
            bundle was written, or if its graph may do more than compute.
    """
    folder = path
    if not (path / SAVED_MODEL).exists() and (numbers := versions(path)):
        folder = path / str(numbers[-1])
    if not (folder / SAVED_MODEL).is_file() or not (folder / DESCRIPTION).is_file():
        raise UserError(f"{path} is not a model bundle: it has no {SAVED_MODEL} with {DESCRIPTION}")
    folder = _absolute(folder)
    if not folder.name.isdecimal():
        raise UserError(f"{folder}: the folder of a bundle is named by its version, a number")
    description, expected = descriptions.read(folder / DESCRIPTION)
    found = _fingerprints(folder)
    for name in sorted(set(expected) - {"description"} | set(found)):
        if name not in found:
            raise UserError(f"{folder}: {name} is missing")
        if found[name] != expected.get(name):
            known = "was changed after" if name in expected else "was not there when"
            raise UserError(f"{folder}: {name} {known} the bundle was written")
    operations.check(folder / SAVED_MODEL)
    return Bundle(folder, description)


def write(
    base: Path,
    model: keras.Model,
    description: Description,
    unknown: Unknown | None = None,
) -> Bundle:
    """Write a bundle whole or not at all.

    Args:
        base: the folder that holds the versions; made if need be.
        model: a network as ``description`` names it; only its weights are used, so it may have
            been made under a strategy, with synchronised BatchNorm or in mixed precision.
        description: what to say about it.
        unknown: what tells animals that it never learnt, if anything does.

    Raises:
        ValueError: if the weights are not those of the network that ``description`` names.
    """
    from tf_classification.models import signatures

    network = signatures.build_network(description)
    network.set_weights(model.get_weights())
    return write_network(base, network, description, unknown=unknown)


def write_network(
    base: Path,
    network: keras.Model,
    description: Description,
    *,
    decode: Decode | None = None,
    unknown: Unknown | None = None,
) -> Bundle:
    """Write a bundle of a network that need not be in the table, whole or not at all.

    Args:
        base: the folder that holds the versions; made if need be.
        network: raw RGB float32 0..255, (B, side, side, 3), to logits (B, labels), or to
            ``{"logits": ..., "features": ...}``, these (B, F).
        description: what to say about it.
        decode: how the signature of bytes gets its pixels; see ``signatures.save``.
        unknown: what tells animals that it never learnt, if anything does.
    """

    def save(path: Path) -> None:
        network.save_weights(path)
        if unknown is not None:
            unknown_npz.write(path.with_name(Path(UNKNOWN).name), unknown)

    return _write(base, network, description, save, decode)


def rewrite(base: Path, source: Bundle, description: Description) -> Bundle:
    """Write a bundle of the network of another one, which nothing here can build anew.

    Args:
        base: the folder that holds the versions; made if need be.
        source: with the signatures of ``signatures``; its weights are copied.
        description: what to say about it; its calibration may be another.

    Raises:
        UserError: if the source is older than these signatures.
    """
    from tf_classification.models import signatures

    network = signatures.Loaded(source.path)

    def copy(path: Path) -> None:
        shutil.copyfile(source.weights, path)
        if (source.path / UNKNOWN).exists():
            shutil.copyfile(source.path / UNKNOWN, path.with_name(Path(UNKNOWN).name))

    return _write(base, network, description, copy, network.decode)


def _write(
    base: Path,
    network: Callable[..., Any],
    description: Description,
    save_weights: Callable[[Path], object],
    decode: Decode | None,
) -> Bundle:
    from tf_classification.models import signatures

    files.make_folder(base)
    # A name that starts with a dot is no version, neither for us nor for TensorFlow Serving.
    draft = files.neighbour(base / "version")
    files.remove_of_the_dead(base)
    # In a container started again this process may have the numbers of one that was killed.
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    try:
        signatures.save(network, description, draft, decode)
        (draft / WEIGHTS).parent.mkdir()
        save_weights(draft / WEIGHTS)
        _write_description(draft, description)
        return Bundle(_absolute(_publish(draft, base)), description)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _absolute(path: Path) -> Path:
    """Make a path absolute; a link keeps the name that the user gave it, which clients use."""
    return Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would follow the link


def _write_description(folder: Path, description: Description) -> None:
    table = description.to_json()
    table["fingerprints"] = {
        "description": descriptions.fingerprint(table),
        **_fingerprints(folder),
    }
    text = json.dumps(table, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / DESCRIPTION).write_text(text + "\n", encoding="utf-8")


def _publish(draft: Path, base: Path) -> Path:
    """Rename the draft to the next number; another process may have taken it meanwhile."""
    while True:
        path = base / str(max(versions(base), default=0) + 1)
        try:
            return draft.rename(path)
        except OSError:
            if not path.exists():
                raise


def _fingerprints(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a bundle but its bundle.json, by the path inside it."""
    digests = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if name != DESCRIPTION:
            with path.open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
