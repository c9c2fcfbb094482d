"""Whether a model fits: what no linker is needed to refuse, and limits that a build is held to."""

import re
from dataclasses import dataclass
from pathlib import Path

from firmware_tools.board.registry import Board
from midfuse.core.errors import CheckFailed, InputError
from midfuse.core.results import MemoryUse

_SIZE = re.compile(r"([0-9]+) ?(kb?)?", re.IGNORECASE)


def check_fit(model: Path, memory: MemoryUse, board: Board) -> None:
    """Refuse a model that the board cannot hold, whatever the rest of the firmware takes.

    That rest is known in part: the stack, and a buffer for the largest request. What only the
    linker knows is left to it.

    Raises:
        InputError: says by how many bytes, and which op is to blame.
    """
    if board.memory is None:
        return
    ram, flash = board.memory.ram.bytes, board.memory.flash.bytes
    beside = board.memory.stack_bytes + board.firmware.write_bytes
    if memory.arena_bytes + beside > ram:
        raise InputError(
            f"{model}: does not fit {board.name}: an arena of {memory.arena_bytes} bytes"
            f" ({memory.peak}) and {beside} of stack and buffers are"
            f" {memory.arena_bytes + beside - ram} more than its {ram} bytes of RAM",
            "make that op's tensors smaller, or take a larger board",
        )
    if memory.constant_bytes > flash:
        raise InputError(
            f"{model}: does not fit {board.name}: {memory.constant_bytes} bytes of constants"
            f" ({memory.largest}) are {memory.constant_bytes - flash} more than its {flash} bytes"
            " of flash",
            "make that op's weights smaller, or take a larger board",
        )


@dataclass(frozen=True)
class Limits:
    """Bytes that a build may take at most; null is no limit."""

    ram: int | None = None
    flash: int | None = None

    def failure(self, model: Path, memory: MemoryUse, ram: int, flash: int) -> CheckFailed | None:
        """What to say where a limit is exceeded; both in one line."""
        found = []
        if self.ram is not None and ram > self.ram:
            found.append(f"{ram} bytes of RAM, {ram - self.ram} over `max_ram` ({memory.peak})")
        if self.flash is not None and flash > self.flash:
            over = flash - self.flash
            found.append(f"{flash} bytes of flash, {over} over `max_flash` ({memory.largest})")
        if not found:
            return None
        return CheckFailed(f"{model}: takes {' and '.join(found)}", "make that op smaller")


def parse_bytes(text: str, parameter: str) -> int:
    """`8192`, `8k` or `8KB`, where K is 1024; `parameter` is what errors call it.

    Raises:
        InputError: anything else.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise InputError(f"`{parameter}`: {text!r} is not a size", "give bytes, or 8K for 8192")
    return int(match[1]) * (1024 if match[2] else 1)
