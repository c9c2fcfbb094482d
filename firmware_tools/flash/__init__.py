"""Flash back ends: how an image gets onto a board, one thin class a tool."""

from pathlib import Path

from firmware_tools.board import Board, EmulatorFlash
from firmware_tools.flash.emulator import Emulator
from firmware_tools.flash.process import Process

Backend = Emulator | Process


def backend_for(board: Board) -> Backend:
    """The board's first back end."""
    entry = board.flash[0]
    return Emulator(entry) if isinstance(entry, EmulatorFlash) else Process()


def find_elf(path: Path) -> Path:
    """The image's .elf: the file itself, or the one in a folder that `midfuse build` wrote."""
    return path / "firmware.elf" if path.is_dir() else path
