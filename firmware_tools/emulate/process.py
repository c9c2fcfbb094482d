"""The native board: the image is a program of this computer that brings its own terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from firmware_tools.emulate.child import Running, board_process


class Process:
    """Runs an image; its first line is the path of its pseudo-terminal."""

    def require(self) -> None:
        """Needs no program but the image."""

    def command(self, elf: Path) -> list[str]:
        """What is run, for a dry run to show."""
        return [str(elf.absolute())]

    @contextmanager
    def boot(self, elf: Path) -> Iterator[Running]:
        """See `board_process`."""
        with board_process(self.command(elf), str) as running:
            yield running
