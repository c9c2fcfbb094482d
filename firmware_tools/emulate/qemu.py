"""QEMU: booting the image is flashing it, and the board lives as long as the `with` block."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_tools.board.packages import apt_line
from firmware_tools.board.schema import QemuEntry
from firmware_tools.emulate.child import Running, board_process
from midfuse.core.errors import DeviceError

# `-serial pty` announces the pseudo-terminal so.
_ANNOUNCED = re.compile(r"char device redirected to (\S+)")


class Qemu:
    """Boots an image in QEMU; the UART is a pseudo-terminal, nobody else's."""

    def __init__(self, entry: QemuEntry) -> None:
        self._entry = entry

    def require(self) -> None:
        """Raise a DeviceError unless the emulator is installed."""
        if shutil.which(self._entry.program) is None:
            raise DeviceError(
                f"{self._entry.program}, which emulates the board, is not installed",
                apt_line(self._entry.packages),
            )

    def command(self, elf: Path) -> list[str]:
        """What is run, for a dry run to show."""
        return [
            *(self._entry.program, *self._entry.arguments),
            *("-nographic", "-monitor", "none", "-serial", "pty", "-kernel", str(elf)),
        ]

    @contextmanager
    def boot(self, elf: Path) -> Iterator[Running]:
        """See `board_process`."""
        self.require()

        def find_port(line: str) -> str | None:
            found = _ANNOUNCED.search(line)
            return found[1] if found else None

        with board_process(self.command(elf), find_port) as running:
            yield running
