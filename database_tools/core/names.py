"""Names: of pictures, of their crops in both eras, and of the folders of categories.

A picture's name is a relative path.  Its *written* form is the source's spelling with ``/`` and
without ``.``: so it is opened and so it is written, and bytes stay.  Its *key* is that in Unicode's
NFC, by which two lists are compared: a Mac writes ``é`` as two signs, others as one.

================  =====================================  ======================================
of the picture    crops of 2019                          crops of 2021
================  =====================================  ======================================
``elk/a.jpg``     ``elk/a.jpg`` (the only one),          ``elk/a.jpg___crop03_mdv4.1.jpg``
                  ``elk/a_0.jpg``, ``elk/a_1.jpg``, ...  (``___crop03.jpg``: drawn by hand)
================  =====================================  ======================================

Since 2022 others name the detector's whole file, ``elk/a.jpg___crop03_md_v5a.0.0.pt.jpg``, which
is read as version ``5a.0.0.pt``.
"""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from database_tools.core import reasons

LONGEST = 255
"""Bytes in one part of a path, on every system."""

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tif", ".tiff", ".webp")
"""Of a picture's file name, in either letter case."""

_DRIVE = re.compile(r"[A-Za-z]:")
_WINDOWS = os.name == "nt"
_SIGNS = re.compile(r'[<>:"|?*/\\\x00-\x1f]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:[ .].*)?", re.I)
_HALVES = re.compile("[\ud800-\udfff]")
_ENDING = re.compile(r"[ .]+\Z")
_CROP = re.compile(
    r"(?P<image>.+)___crop(?P<box>[0-9]{2,})(_(?:mdv|md_v)(?P<detector>[^/]+))?\.jpg", re.DOTALL
)


def tidy(text: str) -> str:
    """Write a path, relative or not, with ``/`` and without ``.`` and empty parts."""
    if _is_tidy(text):  # nearly always
        return text
    path = text.replace("\\", "/")
    kept = "/".join(part for part in path.split("/") if part not in ("", "."))
    return f"/{kept}" if path.startswith("/") else kept


def _is_tidy(text: str) -> bool:
    """Say at once of nearly every relative path that it is tidy, quicker than an expression."""
    plain = "//" not in text and "/." not in text and "\\" not in text
    return plain and text != "" and text[0] not in "./" and text[-1] != "/"


def root(folder: str) -> str:
    """Return a folder as tidy names below it begin."""
    return f"{tidy(folder).rstrip('/')}/"


def below(name: str, roots: Sequence[str]) -> str:
    """Return a tidy name relative to the first root that it is below; itself if there is none."""
    return next((name[len(start) :] for start in roots if name.startswith(start)), name)


def key(name: str) -> str:
    """Return what a name is compared by: NFC; the same object where that changes nothing."""
    return name if unicodedata.is_normalized("NFC", name) else unicodedata.normalize("NFC", name)


def encode(name: str) -> bytes:
    """Return a name as SQLite keeps it: half a surrogate pair, which JSON can hold, is no text."""
    return name.encode("utf-8", "surrogatepass")


def decode(stored: bytes) -> str:
    """Return the name that ``encode`` was given."""
    return stored.decode("utf-8", "surrogatepass")


def spellings(name: str) -> tuple[str, ...]:
    """Return how a name may be spelled elsewhere: as written, in NFC, in NFD, each once."""
    if name.isascii():
        return (name,)
    return tuple(dict.fromkeys((name, *(unicodedata.normalize(f, name) for f in ("NFC", "NFD")))))


def is_picture(name: str) -> bool:
    """Say whether a name is a picture's, by its ending."""
    return name.lower().endswith(PICTURE_ENDINGS)


def is_text(name: str) -> bool:
    """Say whether a name is text; one in Latin-1 has halves of surrogate pairs in Python."""
    return name.isascii() or not _HALVES.search(name)


def written(text: str, *, windows: bool = _WINDOWS) -> str | None:
    r"""Return the written form of the name that a list has of a picture.

    None for one that is absolute (``/``, ``X:/``, ``X:\``), has ``..``, is empty or holds a NUL: it
    may lead out of any folder, or is no name at all.

    Args:
        text: as the list has it; backslashes count as slashes.
        windows: whether ``X:name`` leads to another drive; elsewhere it is a file's name.
    """
    if _is_tidy(text) and text[1:2] != ":" and "\0" not in text:  # there are millions
        return text
    path = text.replace("\\", "/")
    drive = path[1:2] == ":" and _DRIVE.match(path)
    if path.startswith("/") or (drive and (windows or path[2:3] == "/")):
        return None
    if "\0" in path or (".." in path and ".." in path.split("/")):
        return None
    return tidy(path) or None


class Listed:
    """The names of one list, found by those of another, whatever Unicode form either has."""

    def __init__(self, names: Collection[Hashable]) -> None:
        """Look at each name once; ``names`` is kept, and asked ``name in names`` later.

        What is no text, ids of pictures for one, is no name.
        """
        self._names = names
        self._by_key = {key(n): n for n in names if isinstance(n, str) and key(n) != n}

    def find(self, name: str) -> str | None:
        """Return the list's spelling of a name: the same one, else one with the same key."""
        if name in self._names:
            return name
        common = key(name)
        return common if common in self._names else self._by_key.get(common)


@dataclass(frozen=True, slots=True)
class Disk:
    """What a disk makes of names; ``durable.naming`` finds it out.

    Attributes:
        ignores_case: ``A.jpg`` and ``a.jpg`` are one file.
        ignores_form: NFC and NFD are one file.
        plain_only: refuses the signs that Windows refuses, as NTFS and exFAT do.
        room: bytes of a path below the folder that was looked at.
    """

    ignores_case: bool = False
    ignores_form: bool = False
    plain_only: bool = False
    room: int = 4000

    @property
    def is_exact(self) -> bool:
        """Whether two names are two files, always."""
        return not (self.ignores_case or self.ignores_form)

    def same(self, name: str) -> str:
        """Return what is equal for two names exactly if the disk takes them for one."""
        if self.is_exact:
            return name
        return key(name.casefold()) if self.ignores_case else key(name)

    def refusal(self, name: str) -> str | None:
        """Say why no file of this name can be written; None if it can."""
        if name.isascii() and len(name) <= min(LONGEST, self.room) and not self.plain_only:
            return None
        try:
            lengths = [len(p.encode("utf-8", "surrogateescape")) for p in name.split("/")]
        except UnicodeEncodeError:  # half of a surrogate pair, which JSON can hold and no disk
            return reasons.UNWRITABLE
        if max(lengths) > LONGEST or sum(lengths) + len(lengths) > self.room:
            return reasons.TOO_LONG
        if self.plain_only and any(plain(part) != part for part in name.split("/")):
            return reasons.UNWRITABLE
        return None


EXACT = Disk()
"""Takes every name as it is, as Linux's own disks do."""


class Places:
    """The files that are to be written below one folder; says which one is in another's way."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._files: set[str] = set()
        self._folders: set[str] = set()

    def take(self, path: str) -> str | None:
        """Take a place for a file; say why it cannot have one, None if it has it."""
        if (reason := self._disk.refusal(path)) or self._disk.is_exact:
            return reason
        same = self._disk.same(path)
        folders = set(_above(same))
        if same in self._files | self._folders or folders & self._files:
            return reasons.CLASH
        self._files.add(same)
        self._folders |= folders
        return None


def plain(part: str) -> str:
    """Make one part of a path such that every system takes it, with ``_`` for what one refuses.

    Refused are, by one or another: ``< > : " | ? *``, slashes and control characters; names of
    Windows' devices, such as ``aux`` or ``con.txt``; blanks and dots at the end; halves of
    surrogate pairs.
    """
    part = _HALVES.sub("_", _SIGNS.sub("_", part))
    part = _ENDING.sub(lambda ending: "_" * len(ending[0]), part)
    return f"_{part}" if not part or _DEVICES.fullmatch(part) else part


def category_folders(
    categories: Collection[str], taken: Callable[[str], bool] = lambda folder: False
) -> tuple[str, ...]:
    """Name a folder for each category: its name, where every system takes that for a folder.

    Else it is made ``plain``; a leading dot, which would hide it, gets a ``_`` before it; what is
    longer than 255 bytes is cut; and what is taken then, by a file of ours or by another category
    (of which some disks see only the letters, not their case), gets its class id.

    Args:
        categories: names in the order of their ids.
        taken: says of a folder's name, in lower case, whether a file of ours has it.
    """
    folders: list[str] = []
    seen: set[str] = set()
    anywhere = Disk(ignores_case=True, ignores_form=True)
    for class_id, category in enumerate(categories):
        folder = _cut(f"_{category}" if category.startswith(".") else category)
        while taken(anywhere.same(folder)) or anywhere.same(folder) in seen:
            folder = _cut(folder, f"_{class_id}")
        seen.add(anywhere.same(folder))
        folders.append(folder)
    return tuple(folders)


def _cut(text: str, end: str = "") -> str:
    """Make a plain name of ``text`` and ``end``, cutting the former to what a disk takes."""
    kept = plain(text).encode()[: LONGEST - len(end)].decode(errors="ignore")
    return plain(kept) + end  # again, as the cut may have left a blank at the end


class Numbered:
    """Names of crops as the dataset of 2019 has them, such that no two crops share one."""

    def __init__(self, pictures: Iterable[str], disk: Disk = EXACT) -> None:
        """Take all pictures that are listed, and the disk that the crops are written to."""
        self._same = disk.same
        self._pictures = {disk.same(name) for name in pictures}
        self._folders = {folder for name in self._pictures for folder in _above(name)}
        self._rivals: dict[tuple[str, int], str] = {}

    def name(self, picture: str, box: int) -> str:
        """Name the crop of one of several boxes: ``a.jpg`` gives ``a_0.jpg``, ``a_1.jpg``, ...

        Where ``a_0.jpg`` is a picture or a folder of pictures itself, or the crop of another
        picture's box (``a_.jpg`` has ``a__0.jpg``), underscores more keep them apart.
        """
        stem, suffix = posixpath.splitext(picture)
        marks = "_"
        while True:
            crop = f"{stem}{marks}{box}{suffix}"
            same = self._same(crop)
            free = same not in self._pictures and same not in self._folders
            rivals = (f"{stem}{marks[:i]}{suffix}" for i in range(1, len(marks)))
            if free and not any(self._has(rival, box, same) for rival in rivals):
                return crop
            marks += "_"

    def _has(self, rival: str, box: int, same: str) -> bool:
        if self._same(rival) not in self._pictures:
            return False
        if (rival, box) not in self._rivals:
            self._rivals[rival, box] = self._same(self.name(rival, box))
        return self._rivals[rival, box] == same


def _above(name: str) -> Iterator[str]:
    while name := name.rpartition("/")[0]:
        yield name


def unnumbered(crop: str) -> Iterator[tuple[str, int | None]]:
    """Yield what a crop of 2019 may have been cut from: (picture, box; None for its only one).

    The likeliest first; which of them it is, the list of pictures tells.
    """
    yield crop, None
    stem, suffix = posixpath.splitext(crop)
    if match := re.fullmatch(r"(.*?)(_+)(0|[1-9][0-9]*)", stem, re.DOTALL):
        for marks in range(len(match[2]) - 1, -1, -1):
            if start := f"{match[1]}{'_' * marks}":
                yield f"{start}{suffix}", int(match[3])


class CropName(NamedTuple):
    """The name of a crop of 2021 and later: where it came from.

    Attributes:
        image: path of the whole image, relative, with forward slashes.
        box: index of the box in the image's list of detections, from 0.
        detector: the detector's version, e.g. ``"4.1"``; None for a hand-drawn box.
    """

    image: str
    box: int
    detector: str | None = None

    def __str__(self) -> str:
        return crop_names(self.image, (self.box,), self.detector)[0]

    @classmethod
    def parse(cls, name: str) -> CropName:
        """Read a name back; raise ValueError when it is not a crop's."""
        match = _CROP.fullmatch(name)
        if match is None:
            raise ValueError(f"{name!r} is not a crop name: expected IMAGE___cropNN[_mdvX].jpg")
        return cls(match["image"], int(match["box"]), match["detector"])


def crop_names(image: str, boxes: Iterable[int], detector: str | None) -> tuple[str, ...]:
    """Name the crops of one picture as ``CropName`` does; there are millions."""
    end = f"_mdv{detector}.jpg" if detector else ".jpg"
    return tuple([f"{image}___crop{box:02d}{end}" for box in boxes])


def picture_of(crop: str) -> str:
    """Return the picture that a crop's name tells; a name that is no crop's is a picture's."""
    match = _CROP.fullmatch(crop)
    return crop if match is None else match["image"]
