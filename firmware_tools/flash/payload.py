"""What an image writes into flash, from its .elf, and whether the board has room for it."""

import struct
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import Region
from midfuse.core.errors import InputError
from midfuse.core.results import Image

_MAGIC = b"\x7fELF\x01\x01"  # 32 bits, little-endian
_HEADER = struct.Struct("<16xHHIIIIIHHH")
_SEGMENT = struct.Struct("<IIIIII")  # type, offset, virtual address, load address, bytes in file, …
_LOAD = 1
_ERASED = b"\xff"


@dataclass(frozen=True)
class Payload:
    """The bytes of an image, `data` from address `start` on, and the .elf that they come from."""

    elf: Path
    start: int
    data: bytes


def read_payload(image: Image, board: Board) -> Payload:
    """What is to be written; gaps between segments are filled with erased flash.

    Raises:
        InputError: the board is no chip, the .elf is damaged, or it reaches beyond the flash.
    """
    if board.memory is None:
        raise InputError(f"{board.name}: has no flash", "leave out `backend` and `probe`")
    flash = board.memory.flash
    try:
        segments = _load_segments(image.elf.read_bytes())
    except (OSError, struct.error, ValueError) as error:
        raise InputError(f"{image.elf}: damaged ({error})", "build it again") from None
    for start, data in segments:
        _check_room(image.elf, board, flash, start, start + len(data))
    first = min(start for start, _ in segments)
    content = bytearray()
    for start, data in sorted(segments):
        content += _ERASED * (start - first - len(content))
        content[start - first : start - first + len(data)] = data
    return Payload(image.elf, first, bytes(content))


def _check_room(elf: Path, board: Board, flash: Region, start: int, end: int) -> None:
    if flash.start <= start and end <= flash.end:
        return
    if start >= flash.start and start < flash.end:
        raise InputError(
            f"{elf}: {end - flash.start} bytes do not fit {board.name}'s flash of {flash.bytes}",
            "take a smaller model or a larger board",
        )
    raise InputError(
        f"{elf}: has bytes for {start:#010x}, outside {board.name}'s flash"
        f" ({flash.start:#010x} to {flash.end:#010x})",
        f"build it again for `board` {board.name}",
    )


def _load_segments(elf: bytes) -> list[tuple[int, bytes]]:
    """Load address and bytes of every segment that has any in the file."""
    if not elf.startswith(_MAGIC):
        raise ValueError("not a 32-bit little-endian ELF file")
    *_, table, _, _, _, entry_bytes, count = _HEADER.unpack_from(elf)
    found = []
    for at in range(table, table + count * entry_bytes, max(1, entry_bytes)):
        kind, offset, _, address, size, _ = _SEGMENT.unpack_from(elf, at)
        if kind == _LOAD and size:
            if offset + size > len(elf):
                raise ValueError("cut short")
            found.append((address, elf[offset : offset + size]))
    if not found:
        raise ValueError("nothing to load")
    return found
