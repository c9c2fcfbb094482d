"""A real board's worth of board.toml around the toy image: what the flash back ends are made of."""

from pathlib import Path

from firmware_tools.board.registry import Board, read_board
from firmware_tools.board.schema import Connection, FlashEntry


def board_with(entry: FlashEntry, folder: Path | None = None, **changes: object) -> Board:
    """The board of the toy image, written by `entry`; `folder` has its files."""
    board = read_board("qemu-mps2-an386")
    connection = Connection(cable="USB", usb=["1209:f00d"], dtr_rts="nothing")
    changed = {"flash": [entry], "connection": connection, "folder": folder or board.folder}
    return board.model_copy(update=changed | changes)
