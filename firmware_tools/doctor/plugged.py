"""Boards and debug probes that are plugged in, and whether this user may open them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from serial.tools.list_ports import comports

from firmware_tools.board import Board
from firmware_tools.doctor.access import mend_access
from firmware_tools.doctor.finding import Finding, lacking

_DEVICES = Path("/sys/bus/usb/devices")
_NODES = Path("/dev/bus/usb")
# What debug probes call themselves, those apart from a board among them.
_PROBE = re.compile(r"cmsis-?dap|st-?link|j-?link|black magic|debug probe", re.IGNORECASE)


@dataclass(frozen=True)
class Plugged:
    """A serial port or a USB device: its file in /dev, its id as vendor:product, its own name."""

    device: Path
    usb_id: str
    name: str


def plugged_in(board: Board, boards: Sequence[Board]) -> Iterator[Finding]:
    """A finding for each serial port and debug probe that is there."""
    ports, devices = serial_ports(), usb_devices()
    named = {usb_id for each in boards for usb_id in _usb(each)}
    probes = [each for each in devices if each.usb_id in named or _PROBE.search(each.name)]
    if board.emulator is None:
        yield from _the_board(board, [*ports, *devices])
    yield from (_opened("serial port", each, board, boards) for each in ports)
    yield from (_opened("USB device", each, board, boards) for each in probes)
    if find_spec("pyocd") is not None:
        yield from _pyocd_probes()


def serial_ports() -> list[Plugged]:
    """The serial ports on USB; a computer's own and pseudo-terminals are no boards."""
    return [
        Plugged(Path(port.device), f"{port.vid:04x}:{port.pid:04x}", port.product or "")
        for port in sorted(comports())
        if port.vid is not None
    ]


def usb_devices(devices: Path = _DEVICES, nodes: Path = _NODES) -> list[Plugged]:
    """The USB devices that Linux's sysfs knows; none on another system."""
    found = []
    for folder in sorted(devices.glob("*")):
        try:
            usb_id = f"{_read(folder / 'idVendor')}:{_read(folder / 'idProduct')}"
            bus, number = int(_read(folder / "busnum")), int(_read(folder / "devnum"))
        except (OSError, ValueError):
            continue  # an interface of a device
        try:
            name = _read(folder / "product")
        except OSError:
            name = ""  # not every device has one
        found.append(Plugged(nodes / f"{bus:03}" / f"{number:03}", usb_id, name))
    return found


def _the_board(board: Board, there: Sequence[Plugged]) -> Iterator[Finding]:
    """Is the one there that was asked for, and cannot be emulated?"""
    ids = _usb(board)
    if ids and not any(each.usb_id in ids for each in there):
        assert board.connection is not None
        yield Finding(board.name, "missing", "not plugged in", f"connect {board.connection.cable}")


def _opened(what: str, each: Plugged, board: Board, boards: Sequence[Board]) -> Finding:
    of = " or ".join(one.name for one in boards if each.usb_id in _usb(one))
    found = f"{each.usb_id} {each.name}: {of or 'no board of ours has this id'}"
    remedy = mend_access(each.device, each.usb_id)
    if not remedy:
        return Finding(f"{what} {each.device}", "ready", found)
    needed = board.emulator is None and each.usb_id in _usb(board)
    found = f"{found}; this user may not open it"
    return Finding(f"{what} {each.device}", lacking(needed), found, remedy)


def _pyocd_probes() -> Iterator[Finding]:
    """The probes that pyOCD can open; those that this user may not open are not among them."""
    from pyocd.core.helpers import ConnectHelper

    for probe in ConnectHelper.get_all_connected_probes(blocking=False, print_wait_message=False):
        yield Finding(f"probe {probe.unique_id}", "ready", f"{probe.description}, seen by pyOCD")


def _usb(board: Board) -> Sequence[str]:
    return board.connection.usb if board.connection else ()


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace").strip()
