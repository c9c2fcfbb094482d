"""GDB's remote protocol: Black Magic Probe, the servers of J-Link and OpenOCD, QEMU's stub."""

import re
import shutil
import stat
from pathlib import Path

from firmware_tools.board.packages import apt_line
from firmware_tools.board.registry import Board
from firmware_tools.flash.chip import check_chip
from firmware_tools.flash.gdb_mi import Gdb, open_gdb
from firmware_tools.flash.payload import Payload
from firmware_tools.flash.programmer import (
    Capabilities,
    check_endpoint,
    half_written,
    no_reset,
    verify_failed,
)
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.progress import SILENT, Progress

# One of them will do; the first is a Debian package of the same name.
PROGRAMS = ("gdb-multiarch", "arm-none-eabi-gdb")
_NETWORK = re.compile(r"[\w.\-]+:\d{1,5}|\[[0-9a-fA-F:]+\]:\d{1,5}")
_SENT = re.compile(r'total-sent="(\d+)"')
_SECTION = re.compile(r"Section (\S+), range \S+ -- \S+: ([\w-]+)")
_SETTINGS = [
    "-gdb-set confirm off",
    "-gdb-set tcp connect-timeout 5",
    "-gdb-set remotetimeout 10",
]
# What a server calls it: OpenOCD, J-Link and Black Magic Probe the first, QEMU the second.
_RESETS = ("reset", "system_reset")


class GdbRemote:
    """Loads an image through a stub or server that runs already.

    On a serial port it is taken for a Black Magic Probe, which is told to attach to the first chip
    on its wires; a server on the network has its chip already.
    """

    name = "gdb"
    capabilities = Capabilities(
        erase=True, verify=True, identify=True, reset=True, probe="HOST:PORT or the serial port"
    )

    def __init__(self, board: Board) -> None:
        self._board = board

    def require(self) -> None:
        """See `Programmer`."""
        self._program()

    def find(self, probe: str | None) -> str:
        """See `Programmer`; nothing is searched for, as a server may be anywhere."""
        endpoint = check_endpoint(probe, "HOST:PORT, or the serial port of a Black Magic Probe")
        if not _NETWORK.fullmatch(endpoint) and not _is_serial(endpoint):
            raise InputError(
                f"`probe` {endpoint}: neither HOST:PORT nor a serial port that is there",
                "start the server, or plug the probe in",
            )
        return endpoint

    def plan(self, payload: Payload, probe: str | None) -> list[str]:
        """See `Programmer`."""
        endpoint = probe or "ENDPOINT"
        return [
            f"{PROGRAMS[0]} {payload.elf}",
            *_SETTINGS,
            *_connecting(endpoint),
            "check the chip's id",
            "-target-download",
            "compare-sections",
            *(f"monitor {reset}" for reset in _RESETS[:1]),
            "-target-detach",
        ]

    def write(self, payload: Payload, probe: str, progress: Progress = SILENT) -> None:
        """See `Programmer`."""
        with open_gdb(self._program(), payload.elf) as gdb:
            self._connect(gdb, probe)
            check_chip(self._board, lambda address: _read_word(gdb, address))
            with half_written(self._board.name):
                with progress.task("write flash", len(payload.data)) as task:
                    reached = 0

                    def watch(record: str) -> None:
                        nonlocal reached
                        sent = _SENT.search(record)
                        if sent:
                            task.advance(int(sent[1]) - reached)
                            reached = int(sent[1])

                    gdb.run("-target-download", watch)
                with progress.task("verify"):
                    compared = gdb.console("compare-sections")
            self._check(compared)
            try:
                _reset(gdb)
            except DeviceError as error:
                raise no_reset(self._board.name, error) from None

    def _connect(self, gdb: Gdb, endpoint: str) -> None:
        try:
            for command in [*_SETTINGS, *_connecting(endpoint)]:
                gdb.run(command)
        except DeviceError as error:
            raise DeviceError(
                f"{endpoint}: no board answers GDB there ({error.problem})",
                "start the server, check the cable and the board's power",
            ) from None

    def _check(self, compared: str) -> None:
        sections = _SECTION.findall(compared)
        bad = [name for name, verdict in sections if verdict != "matched"]
        if bad or not sections:
            what = ", ".join(bad) or "all that GDB compared"
            raise verify_failed(self._board.name, f"{what} is not what was written")

    def _program(self) -> str:
        for program in PROGRAMS:
            if shutil.which(program):
                return program
        raise DeviceError(
            f"neither {' nor '.join(PROGRAMS)}, which flash {self._board.name}, is installed",
            apt_line("gdb-multiarch"),
        )


def _connecting(endpoint: str) -> list[str]:
    if _NETWORK.fullmatch(endpoint):
        return [f"-target-select remote {endpoint}"]
    return [
        f"-target-select extended-remote {endpoint}",
        '-interpreter-exec console "monitor swdp_scan"',
        "-target-attach 1",
    ]


def _read_word(gdb: Gdb, address: int) -> int:
    answer = gdb.run(f"-data-read-memory-bytes {address:#x} 4")
    contents = re.search(r'contents="([0-9a-f]{8})"', answer)
    if contents is None:
        raise DeviceError("GDB gave no bytes")
    return int.from_bytes(bytes.fromhex(contents[1]), "little")


def _reset(gdb: Gdb) -> None:
    for reset in _RESETS:
        if "unknown command" not in gdb.console(f"monitor {reset}"):
            break
    gdb.run("-target-detach")


def _is_serial(endpoint: str) -> bool:
    try:
        return stat.S_ISCHR(Path(endpoint).stat().st_mode) and not set(endpoint) & set(' "|\\')
    except OSError:
        return False
