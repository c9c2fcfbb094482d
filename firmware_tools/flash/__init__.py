"""Flash back ends: how an image gets onto a board, one thin class a tool."""

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import (
    FlashEntry,
    GdbEntry,
    OpenOcdEntry,
    PyOcdEntry,
)
from firmware_tools.flash.gdb import GdbRemote
from firmware_tools.flash.openocd import OpenOcd
from firmware_tools.flash.programmer import Programmer
from firmware_tools.flash.py_ocd import PyOcd
from firmware_tools.flash.uf2 import Uf2
from midfuse.core.errors import DeviceError, InputError

# By name: what acts as the board, and what writes a real one.
EMULATOR = "emulator"
BACKENDS = (EMULATOR, "pyocd", "openocd", "gdb", "uf2")


def programmer_for(board: Board, name: str | None = None) -> Programmer:
    """What writes a real board: the named one, or the first of its `[[flash]]` that is installed.

    GDB, which needs to be told nothing of the board, is there for every chip.

    Raises:
        InputError: the board has no such back end.
    """
    entries: list[FlashEntry] = list(board.flash)
    if all(entry.backend != "gdb" for entry in entries):
        entries.append(GdbEntry(backend="gdb"))
    found = [_programmer(board, entry) for entry in entries]
    if name is not None:
        for programmer in found:
            if programmer.name == name:
                return programmer
        known = ", ".join(programmer.name for programmer in found)
        raise InputError(
            f"`backend` {name}: {board.folder / 'board.toml'} has no [[flash]] of that name",
            f"known: {known}",
        )
    return next(filter(installed, found), found[0])


def _programmer(board: Board, entry: FlashEntry) -> Programmer:
    if isinstance(entry, PyOcdEntry):
        return PyOcd(board, entry)
    if isinstance(entry, OpenOcdEntry):
        return OpenOcd(board, entry)
    if isinstance(entry, GdbEntry):
        return GdbRemote(board)
    return Uf2(board, entry)


def installed(programmer: Programmer) -> bool:
    """Whether the tool is there."""
    try:
        programmer.require()
    except DeviceError:
        return False
    return True
