"""The command `midfuse boards`: which there are, what is ready here, and how to connect one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import click
from rich.table import Column, Table

from firmware_tools.board import Board, board_names, read_board
from firmware_tools.build import require_toolchain
from firmware_tools.flash import backend_for
from midfuse.console import Outcome, command, fields
from midfuse.errors import DeviceError


@command(name="boards", help="List the boards, or show one and how to connect it.")
@click.argument("name", required=False)
def boards(name: str | None) -> Outcome:
    if name is None:
        found = [read_board(each) for each in board_names()]
        table = Table(Column("board", no_wrap=True), "core", "what it is", "seen working", "here")
        for board in found:
            here = "; ".join(_missing(board)) or "ready"
            table.add_row(board.name, board.core, board.title, "\n".join(_seen(board)), here)
        return Outcome({"boards": [_data(board) for board in found]}, table)
    board = read_board(name)
    return Outcome(_data(board), fields(_data(board)))


def _seen(board: Board) -> list[str]:
    """With what it was seen, of the ways there are to run it."""
    ways = {"emulated": board.emulator, "hardware": board.flash}
    seen = board.seen.model_dump()
    return [f"{way}: {seen[way] or 'not yet'}" for way, there in ways.items() if there or seen[way]]


def _data(board: Board) -> dict[str, Any]:
    data = board.model_dump(mode="json", exclude_none=True)
    front = {name: data.pop(name) for name in ("name", "title")}
    counts = {"instructions_per_tick": board.instructions_per_tick}
    return front | {"missing": _missing(board)} | data | counts


def _missing(board: Board) -> list[str]:
    """What this machine lacks to build for the board and to emulate it, each with its remedy."""
    requires: list[Callable[[], None]] = [partial(require_toolchain, board)]
    if board.emulator:
        requires.append(backend_for(board).require)
    lacks = []
    for require in requires:
        try:
            require()
        except DeviceError as error:
            lacks.append(str(error))
    return lacks
