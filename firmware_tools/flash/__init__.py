"""Flash back ends: how an image gets onto a board, one thin class a tool."""

from pathlib import Path

from firmware_tools.board import Board
from firmware_tools.board_file import QemuEntry
from firmware_tools.flash.emulator import Emulator
from firmware_tools.flash.process import Process
from midfuse.errors import InputError

Backend = Emulator | Process


def backend_for(board: Board) -> Backend:
    """What boots an image here, without hardware.

    Raises:
        InputError: the board is not emulated.
    """
    if board.emulator is None:
        raise InputError(
            f"{board.name}: not emulated", "flash a real one, and name its port with --port"
        )
    return Emulator(board.emulator) if isinstance(board.emulator, QemuEntry) else Process()


def find_elf(path: Path) -> Path:
    """The image's .elf: the file itself, or the one in a folder that `midfuse build` wrote."""
    return path / "firmware.elf" if path.is_dir() else path
