"""OpenOCD: one run of the program that checks the chip, writes, verifies and resets."""

import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_tools.board.packages import apt_line
from firmware_tools.board.registry import Board
from firmware_tools.board.schema import OpenOcdEntry
from firmware_tools.flash.chip import no_chip_id, registers, wrong_chip
from firmware_tools.flash.payload import Payload
from firmware_tools.flash.programmer import (
    Capabilities,
    choose,
    half_written,
    no_reset,
    verify_failed,
)
from firmware_tools.flash.usb import serial_numbers
from midfuse.core.children import child_process
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.progress import SILENT, Progress

# And the name of its Debian package.
PROGRAM = "openocd"
# The script says how far it has come.
_MARK = "midfuse: "
_COMPLAINT = re.compile(r"^(?:\S+: )?Error: (.+)$")


class OpenOcd:
    """Runs OpenOCD with the board's configuration files and a script of five steps."""

    name = "openocd"
    capabilities = Capabilities(
        erase=True, verify=True, identify=True, reset=True, probe="the probe's serial number"
    )

    def __init__(self, board: Board, entry: OpenOcdEntry) -> None:
        self._board = board
        self._entry = entry

    def require(self) -> None:
        """See `Programmer`."""
        if shutil.which(PROGRAM) is None:
            raise DeviceError(
                f"{PROGRAM}, which flashes {self._board.name}, is not installed",
                apt_line(PROGRAM),
            )

    def find(self, probe: str | None) -> str:
        """See `Programmer`. OpenOCD lists no probes, so the board's own are looked up by their USB
        ids; where there is none, it is "", and OpenOCD takes what its configuration finds.
        """
        usb = self._board.connection.usb if self._board.connection else []
        there = serial_numbers(usb)
        if probe is not None or not there:
            return probe or ""
        return choose(there, None, "probe", self._board.name, "connect the board")

    def plan(self, payload: Payload, probe: str | None) -> list[str]:
        """See `Programmer`."""
        return [shlex.join(self._command(str(payload.elf), probe or ""))]

    def write(self, payload: Payload, probe: str, progress: Progress = SILENT) -> None:
        """See `Programmer`."""
        with tempfile.TemporaryDirectory() as scratch, progress.task("write flash") as task:
            # Run beside a copy of it, so that no name of the user's has to be quoted for Tcl.
            shutil.copy(payload.elf, Path(scratch) / "firmware.elf")
            with _running(self._command("firmware.elf", probe), scratch) as run:
                try:
                    run.reach("configured")
                except DeviceError as error:
                    raise InputError(
                        f"{self._board.folder / 'board.toml'}: flash.config: {error.problem}",
                        "correct the file's name; OpenOCD's own begin with interface/ or target/",
                    ) from None
                try:
                    run.reach("connected")
                except DeviceError as error:
                    raise DeviceError(
                        f"no board answers OpenOCD ({error.problem})",
                        "check the cable, the board's power, and the serial number in `probe`",
                    ) from None
                self._check_chip(run)
                task.advance(note="writing")
                with half_written(self._board.name):
                    run.reach("written")
                    task.advance(note="verifying")
                try:
                    run.reach("verified")
                except DeviceError as error:
                    raise verify_failed(self._board.name, error.problem) from None
                try:
                    run.reach("reset")
                except DeviceError as error:
                    raise no_reset(self._board.name, error) from None

    def _check_chip(self, run: "_Run") -> None:
        for address, mask, wanted in registers(self._board):
            try:
                found = int(run.reach(f"id {address:#x}"), 0) & mask
            except DeviceError as error:
                raise no_chip_id(self._board, address, error) from None
            if found not in (0, wanted):
                raise wrong_chip(self._board, address, found, wanted)

    def _command(self, elf: str, probe: str) -> list[str]:
        command = [PROGRAM, "--search", str(self._board.folder)]
        for file in self._entry.config:
            command += ["--file", file]
        if probe:
            command += ["--command", f"adapter serial {{{probe}}}"]
        # It need not serve anybody while it flashes.
        script = ["gdb_port disabled", "tcl_port disabled", "telnet_port disabled"]
        script += [_say("configured"), "init", "reset halt", _say("connected")]
        for address, mask, wanted in registers(self._board):
            script += [
                f"set word [read_memory {address:#x} 32 1]",
                _say(f"id {address:#x} $word"),
                f"set id [expr {{$word & {mask:#x}}}]",
                f"if {{$id != 0 && $id != {wanted:#x}}} {{shutdown error}}",
            ]
        script += [f"flash write_image erase {elf}", _say("written")]
        script += [f"verify_image {elf}", _say("verified")]
        script += ["reset run", _say("reset"), "shutdown"]
        return [*command, "--command", "; ".join(script)]


class _Run:
    """An OpenOCD that runs, by what it says."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def reach(self, step: str) -> str:
        """Wait until the script has come to a step; what it says behind the step's name.

        Raises:
            DeviceError: it ended before, with its first complaint since the step before.
        """
        assert self._process.stderr is not None
        complaint = last = ""
        for line in self._process.stderr:
            line = line.strip()
            if line.startswith(_MARK + step):
                return line.removeprefix(_MARK + step).strip()
            found = _COMPLAINT.match(line)
            complaint = complaint or (found[1] if found else "")
            last = line or last
        raise DeviceError(complaint or last or f"{PROGRAM} ended")


@contextmanager
def _running(command: list[str], folder: str) -> Iterator[_Run]:
    with child_process(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    ) as process:
        yield _Run(process)


def _say(words: str) -> str:
    return f'echo "{_MARK}{words}"'
