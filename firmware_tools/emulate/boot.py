"""What acts as a board on this computer, and an image booted on it with a link open."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import QemuEntry
from firmware_tools.emulate.child import Running
from firmware_tools.emulate.process import Process
from firmware_tools.emulate.qemu import Qemu
from firmware_tools.link.session import Session, connect
from midfuse.core.errors import InputError
from midfuse.core.results import Image


class Emulator(Protocol):
    """What boots an image here, without hardware."""

    def require(self) -> None:
        """Raise a DeviceError unless the emulator is installed."""

    def command(self, elf: Path) -> list[str]:
        """What is run, for a dry run to show."""

    def boot(self, elf: Path) -> AbstractContextManager[Running]:
        """Run the image for the time of a `with` block.

        Raises:
            DeviceError: the emulator is missing, or ends before it names a port.
        """


def emulator_for(board: Board) -> Emulator:
    """What boots an image here, without hardware.

    Raises:
        InputError: the board is not emulated.
    """
    if board.emulator is None:
        raise InputError(
            f"{board.name}: not emulated", "flash a real one, and name its port as `port`"
        )
    return Qemu(board.emulator) if isinstance(board.emulator, QemuEntry) else Process()


@contextmanager
def open_session(image: Image, board: Board, port: str | None = None) -> Iterator[Session]:
    """Put the image on the board and open the link; with `port`, take the board that is there.

    Raises:
        DeviceError: a tool is missing, no answer, or another image is on the board.
    """
    with ExitStack() as stack:
        if port is None:
            port = stack.enter_context(emulator_for(board).boot(image.elf)).port
        else:
            board = board.on_hardware()
        yield stack.enter_context(connect(port, board, image.model_sha256, image.image_id))
