"""The command `midfuse boards`: which there are, what is ready here, and how to connect one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import click
from rich.table import Column, Table

from firmware_tools.board.registry import Board, board_names, read_board
from firmware_tools.board.schema import QemuEntry
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.emulate.boot import emulator_for
from firmware_tools.flash import programmer_for
from midfuse.cli.console import Outcome, command, fields
from midfuse.core.errors import DeviceError
from midfuse.core.results import BoardResult

_HELP = """List the boards, or show one and how to connect it.

The folder that MIDFUSE_BOARDS names adds boards of your own: DIR/NAME/board.toml.
"""
_READY = "ready"


@command(name="boards", help=_HELP)
@click.argument("name", required=False)
def boards(name: str | None) -> Outcome:
    if name is not None:
        board = read_board(name)
        return Outcome(_data(board), fields(_shown(board)))
    found = [read_board(each) for each in board_names()]
    table = Table(Column("board", no_wrap=True), "core", "what it is", "seen working", "ready here")
    for board in found:
        seen = [f"{way}: {with_what or 'not yet'}" for way, with_what in _seen(board).items()]
        table.add_row(board.name, board.core, board.title, "\n".join(seen), _in_short(_here(board)))
    return Outcome({"boards": [_data(board) for board in found]}, table)


def _here(board: Board) -> dict[str, DeviceError | None]:
    """What can be done with the board, and what this machine lacks for it."""
    ways: dict[str, Callable[[], None]] = {"build": partial(require_toolchain, board)}
    if board.emulator:
        ways["emulate"] = emulator_for(board).require
    for entry in board.flash:
        ways[f"flash by {entry.backend}"] = programmer_for(board, entry.backend).require
    return {way: _lack(require) for way, require in ways.items()}


def _lack(require: Callable[[], None]) -> DeviceError | None:
    try:
        require()
    except DeviceError as error:
        return error
    return None


def _in_short(here: dict[str, DeviceError | None]) -> str:
    ready = [way.removeprefix("flash by ") for way, lack in here.items() if lack is None]
    missing = [way.removeprefix("flash by ") for way, lack in here.items() if lack]
    return ", ".join(ready) + (f"\nnot: {', '.join(missing)}" if missing else "")


def _seen(board: Board) -> dict[str, str | None]:
    """With what it was seen working, by the ways there are to run it."""
    ways = {"emulated": board.emulator, "hardware": board.flash}
    seen = board.seen.model_dump()
    return {way: seen[way] for way, there in ways.items() if there}


def _data(board: Board) -> dict[str, Any]:
    """`missing` is for building and emulating, which no tool to flash with is needed for."""
    here = _here(board)
    return BoardResult(
        **board.model_dump(mode="json", exclude_none=True),
        missing=[str(here[way]) for way in ("build", "emulate") if here.get(way)],
        here={way: _READY if lack is None else str(lack) for way, lack in here.items()},
        instructions_per_tick=board.instructions_per_tick,
    ).to_json()


def _shown(board: Board) -> dict[str, Any]:
    """What a person wants to know, a line each."""
    shown = {
        "board": f"{board.name}: {board.title}",
        "page": board.page,
        "chip": " ".join([f"{board.mcu}, {board.core}", *board.features]),
        "clock": f"{board.clock_hz / 1e6:g} MHz" if board.clock_hz else None,
    }
    if board.memory:
        for name, region in (("flash", board.memory.flash), ("RAM", board.memory.ram)):
            shown[name] = f"{region.bytes // 1024} KB at {region.start:#010x}"
    ticks = board.ticks
    shown["ticks"] = f"{ticks.source}, {ticks.width_bits} bits of {1e9 / ticks.per_second:.3g} ns"
    if board.uart:
        pins = f", TX {board.uart.tx}, RX {board.uart.rx}" if board.uart.tx else ""
        shown["serial port"] = f"{board.uart.driver}, {board.uart.baud} baud{pins}"
    if board.connection:
        shown["connect"] = board.connection.cable
        shown["on USB"] = ", ".join(board.connection.usb) or None
        shown["DTR and RTS"] = board.connection.dtr_rts
    if isinstance(board.emulator, QemuEntry):
        shown["emulated by"] = " ".join([board.emulator.program, *board.emulator.arguments])
    for way, lack in _here(board).items():
        shown[way] = str(lack or _READY)
    for way, with_what in _seen(board).items():
        shown[f"seen working, {way}"] = with_what or "not yet"
    shown["its files"] = str(board.folder)
    return {name: text for name, text in shown.items() if text is not None}
