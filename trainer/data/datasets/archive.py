"""The files of a data set wherever they lie: in a folder, in a .zip, in a folder with .zip files.

Archives are untrusted. Nothing is unpacked, so a name in one never becomes a path; what a file
claims to hold, and what it then gives, is limited; whatever is wrong with it is an `InputError`.
"""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TypeVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from midfuse.core.errors import InputError
from trainer.data.datasets import About

_MOST_FILES = 200_000
_MOST_BYTES = 8 << 30
_MOST_INNER_BYTES = 1 << 30
_DAMAGED = (OSError, EOFError, ValueError, RuntimeError, OverflowError, BadZipFile, zlib.error)

SAME_CONTENT = "files that lie there twice, read once"

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True)
class Member:
    """One file: `where` for messages, `name` within its folder or archive, how its name matched."""

    where: str
    name: str
    match: re.Match[str]
    _read: Callable[[int], bytes]

    def read(self, most: int) -> bytes:
        """The content.

        Raises:
            InputError: more than `most` bytes, damaged, encrypted, or gone.
        """
        return _content(self.where, self._read, most)


class Archive:
    """What lies in a folder or an archive, to be found by name."""

    def __init__(self, path: Path, layout: str) -> None:
        self.path = path
        self._layout = layout
        self._entries: list[tuple[str, str, Callable[[int], bytes]]] = []
        self._bytes = 0

    def find(self, pattern: str) -> list[Member]:
        """All files whose whole name, folders included, matches; numbers in their order."""
        compiled = re.compile(pattern)
        found = [
            Member(where, name, match, read)
            for where, name, read in self._entries
            if (match := compiled.fullmatch(name))
        ]
        return sorted(found, key=lambda member: _numbers_in_order(member.name))

    def by_key(
        self, pattern: str, key: Callable[[Member], _Key], most: int, repairs: Counter[str]
    ) -> dict[_Key, Member]:
        """The files that match, by what tells them apart; an equal copy is counted in `repairs`.

        Raises:
            InputError: two files of one key that differ.
        """
        found: dict[_Key, Member] = {}
        for member in self.find(pattern):
            first = found.setdefault(key(member), member)
            if first is member:
                continue
            if first.read(most) != member.read(most):
                raise InputError(
                    f"{member.where}: not the same as {first.where}", "leave one of the two"
                )
            repairs[SAME_CONTENT] += 1
        return found

    def nothing(self, what: str) -> InputError:
        """The error for a place where nothing of a data set lies."""
        return InputError(f"{self.path}: {what} not found", f"name {self._layout}")

    def _add(self, where: str, name: str, size: int, read: Callable[[int], bytes]) -> None:
        self._entries.append((where, name, read))
        self._count(size)

    def _count(self, size: int) -> None:
        self._bytes += size
        if len(self._entries) > _MOST_FILES or self._bytes > _MOST_BYTES:
            raise InputError(
                f"{self.path}: over {_MOST_FILES:,} files or {_MOST_BYTES >> 30} GiB",
                f"name {self._layout}",
            )

    def _add_zip(self, file: Path | BytesIO, where: str, opened: ExitStack) -> None:
        try:
            archive = opened.enter_context(ZipFile(file))
            entries = archive.infolist()
        except _DAMAGED as error:
            raise InputError(
                f"{where}: not a usable .zip ({error})", "download it again, it may be cut off"
            ) from None
        for entry in entries:
            inside = f"{where}: {entry.filename}"
            read = _zipped(archive, entry)
            # Some publishers put a .zip into the .zip; what is deeper is nobody's data set.
            if entry.filename.lower().endswith(".zip") and isinstance(file, Path):
                content = _content(inside, read, _MOST_INNER_BYTES)
                self._count(len(content))
                self._add_zip(BytesIO(content), inside, opened)
            elif not entry.is_dir():
                self._add(inside, entry.filename, entry.file_size, read)

    def _add_folder(self, path: Path, opened: ExitStack) -> None:
        for file in sorted(path.rglob("*")):
            if file.suffix.lower() == ".zip" and file.is_file():
                self._add_zip(file, str(file), opened)
            elif file.is_file():
                name = file.relative_to(path).as_posix()
                self._add(str(file), name, file.stat().st_size, _plain(file))


@contextmanager
def open_archive(name: str, path: Path | None, about: About) -> Iterator[Archive]:
    """The files at `path`, open for the time of the `with` block.

    Raises:
        InputError: no path, nothing there, neither a folder nor a .zip, or one that is damaged.
    """
    if path is None:
        raise InputError(
            f"data set {name}: `data` is missing",
            f"get it at {about.download}; `data` names {about.layout}",
        )
    archive = Archive(path, about.layout)
    with ExitStack() as opened:
        try:
            if path.is_dir():
                archive._add_folder(path, opened)
            elif path.is_file():
                archive._add_zip(path, str(path), opened)
            else:
                raise InputError(
                    f"{path}: no such file or folder",
                    f"get it at {about.download}; `data` names {about.layout}",
                )
        except OSError as error:
            raise InputError(
                f"{path}: cannot be read ({error.strerror})", f"name {about.layout}"
            ) from None
        yield archive


def _content(where: str, read: Callable[[int], bytes], most: int) -> bytes:
    try:
        content = read(most + 1)
    except _DAMAGED as error:
        raise InputError(f"{where}: cannot be read ({error})", "download it again") from None
    if len(content) > most:
        raise InputError(
            f"{where}: over {most:,} bytes, more than such a file ever has", "download it again"
        )
    return content


def _zipped(archive: ZipFile, entry: ZipInfo) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        # The other methods inflate as much as they like before they can be stopped.
        if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
            raise ValueError(f"compression method {entry.compress_type}")
        with archive.open(entry) as file:
            return file.read(count)

    return read


def _plain(path: Path) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        with path.open("rb") as file:
            return file.read(count)

    return read


def _numbers_in_order(name: str) -> list[tuple[int, str]]:
    """Compares s2 before s10."""
    parts = re.findall(r"\d+|\D+", name)
    return [(len(part), part) if part.isdecimal() else (0, part) for part in parts]
