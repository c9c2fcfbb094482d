"""Boards and debug probes that are plugged in, and whether this user may open them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from serial.tools.list_ports import comports

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import Uf2Entry
from firmware_tools.doctor.access import mend_access, mend_group, serial_group
from firmware_tools.doctor.finding import Finding, lacking
from firmware_tools.flash.py_ocd import probes
from firmware_tools.flash.uf2 import INFO, board_id, mounted
from firmware_tools.flash.usb import UsbDevice, usb_devices
from midfuse.core.errors import DeviceError

# What debug probes call themselves, those apart from a board among them.
_PROBE = re.compile(r"cmsis-?dap|st-?link|j-?link|black magic|debug probe", re.IGNORECASE)


@dataclass(frozen=True)
class Plugged:
    """A serial port or a USB device: its file in /dev, its id as vendor:product, its own name."""

    file: Path
    usb_id: str
    name: str


def plugged_in(board: Board, boards: Sequence[Board]) -> Iterator[Finding]:
    """A finding for each serial port, debug probe and boot loader drive that is there."""
    ports, devices = serial_ports(), usb_devices()
    ids = {usb_id for each in boards for usb_id in _usb(each)}
    if board.emulator is None:
        yield from _the_board(board, [*ports, *devices])
    if not ports:
        yield _group()
    for port in ports:
        yield _opened(f"serial port {port.file}", port, board, boards)
    for each in devices:
        if each.usb_id in ids or _PROBE.search(each.name):
            node = Plugged(each.node, each.usb_id, each.name)
            yield _opened(f"USB device {each.node}", node, board, boards)
    yield from _drives(boards)
    if find_spec("pyocd") is not None:
        yield from _pyocd()


def serial_ports() -> list[Plugged]:
    """The serial ports on USB; a computer's own and pseudo-terminals are no boards."""
    return [
        Plugged(Path(port.device), f"{port.vid:04x}:{port.pid:04x}", port.product or "")
        for port in sorted(comports())
        if port.vid is not None
    ]


def _the_board(board: Board, there: Sequence[Plugged | UsbDevice]) -> Iterator[Finding]:
    """Is the one there that was asked for, and cannot be emulated?"""
    ids = _usb(board)
    if ids and not any(each.usb_id in ids for each in there):
        assert board.connection is not None
        what, remedy = f"{board.name} on USB", f"connect it: {board.connection.cable}"
        yield Finding(what, "missing", "not plugged in", remedy)


def _group() -> Finding:
    """What can be said of serial ports before there is one."""
    what, remedy = f"group {serial_group()}", mend_group()
    if remedy:
        return Finding(what, "optional", "this user may not open serial ports", remedy)
    return Finding(what, "ready", "this user may open serial ports")


def _opened(what: str, each: Plugged, board: Board, boards: Sequence[Board]) -> Finding:
    of = " or ".join(one.name for one in boards if each.usb_id in _usb(one))
    found = f"{each.usb_id} {each.name}: {of or 'no board has this id'}"
    remedy = mend_access(each.file, each.usb_id)
    if not remedy:
        return Finding(what, "ready", found)
    needed = board.emulator is None and each.usb_id in _usb(board)
    return Finding(what, lacking(needed), f"{found}; this user may not open it", remedy)


def _drives(boards: Sequence[Board]) -> Iterator[Finding]:
    for drive in mounted():
        says = board_id(drive / INFO)
        if says is None:
            continue
        of = " or ".join(
            board.name
            for board in boards
            for entry in board.flash
            if isinstance(entry, Uf2Entry) and re.match(entry.board_id, says)
        )
        yield Finding(f"UF2 drive {drive}", "ready", f"{says}: {of or 'no board has this id'}")


def _pyocd() -> Iterator[Finding]:
    """The probes that pyOCD can open; those that this user may not open are not among them."""
    try:
        for probe in probes():
            yield Finding(f"probe {probe.unique_id}", "ready", f"{probe.description}, by pyOCD")
    except DeviceError as error:
        yield Finding("pyOCD's probes", "optional", error.problem, "pyocd list")


def _usb(board: Board) -> Sequence[str]:
    return board.connection.usb if board.connection else ()
