"""A simulated chip on a JTAG line, behind OpenOCD's remote_bitbang: one character a pin change."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.firmware_tools.flash.simulated_chip import DebugPort, SimulatedChip

# The next state of the test access port by TMS (IEEE 1149.1), for data and instruction alike.
_NEXT = {
    "reset": ("idle", "reset"),
    "idle": ("idle", "select-dr"),
    "select-dr": ("capture-dr", "select-ir"),
    "select-ir": ("capture-ir", "reset"),
}
for _kind in ("dr", "ir"):
    _NEXT |= {
        f"capture-{_kind}": (f"shift-{_kind}", f"exit1-{_kind}"),
        f"shift-{_kind}": (f"shift-{_kind}", f"exit1-{_kind}"),
        f"exit1-{_kind}": (f"pause-{_kind}", f"update-{_kind}"),
        f"pause-{_kind}": (f"pause-{_kind}", f"exit2-{_kind}"),
        f"exit2-{_kind}": (f"shift-{_kind}", f"update-{_kind}"),
        f"update-{_kind}": ("idle", "select-dr"),
    }
_ABORT, _DPACC, _APACC, _IDCODE = 0x8, 0xA, 0xB, 0xE
_LENGTHS = {_ABORT: 35, _DPACC: 35, _APACC: 35, _IDCODE: 32}
_OK = 0b010


class JtagPort:
    """Arm's JTAG debug port: each scan gives the answer to the one before."""

    def __init__(self, chip: SimulatedChip) -> None:
        self._port = DebugPort(chip)
        self._state = "reset"
        self._instruction = _IDCODE
        self._answer = 0
        self._shift = self._length = 0

    @property
    def tdo(self) -> int:
        return self._shift & 1

    def clock(self, tms: int, tdi: int) -> None:
        """A rising edge."""
        state = self._state
        if state.startswith("shift"):
            self._shift = self._shift >> 1 | tdi << (self._length - 1)
        self._state = state = _NEXT[state][tms]
        if state == "reset":
            self._instruction = _IDCODE
        elif state == "capture-ir":
            self._shift, self._length = 1, 4
        elif state == "update-ir":
            self._instruction = self._shift
        elif state == "capture-dr":
            self._length = _LENGTHS.get(self._instruction, 1)
            ready = self._answer << 3 | _OK
            captured = {_IDCODE: 0x4BA0_0477, _DPACC: ready, _APACC: ready}
            self._shift = captured.get(self._instruction, 0)
        elif state == "update-dr" and self._instruction in (_DPACC, _APACC):
            ap, address = self._instruction == _APACC, self._shift << 1 & 0xC
            if self._shift & 1:
                # RDBUFF is what the last read gave; it is not a register of its own.
                if ap or address != 0xC:
                    self._answer = self._port.read(ap, address)
            else:
                self._port.write(ap, address, self._shift >> 3)


@dataclass
class JtagLine:
    """Where OpenOCD finds the chip; `cut` pulls the cable, until somebody plugs it in again."""

    path: Path
    cut: bool = False


@contextmanager
def jtag_line(chip: SimulatedChip, path: Path) -> Iterator[JtagLine]:
    """Serve one OpenOCD after the other, on a Unix socket (which does not delay small packets)."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        line = JtagLine(path)
        stop = threading.Event()

        def work() -> None:
            while True:
                with listener.accept()[0] as host:
                    if stop.is_set():
                        return
                    line.cut = False
                    _serve(host, JtagPort(chip), line)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield line
        finally:
            stop.set()
            with socket.socket(socket.AF_UNIX) as last:
                last.connect(str(path))
            thread.join()


def _serve(host: socket.socket, port: JtagPort, line: JtagLine) -> None:
    clock = 0
    try:
        while received := host.recv(65536):
            answer = bytearray()
            for character in received:
                if 0x30 <= character <= 0x37:  # '0' + 4 * TCK + 2 * TMS + TDI
                    pins = character - 0x30
                    if pins & 4 and not clock:
                        port.clock(pins >> 1 & 1, pins & 1)
                    clock = pins & 4
                elif character == 0x52:  # R
                    answer.append(0x30 + port.tdo)
                if line.cut or character == 0x51:  # Q
                    return
            host.sendall(answer)
    except OSError:
        return
