"""A board with an image on it and a link open: what evaluation, flashing and tests begin with."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import serial

from firmware_tools.board.registry import Board
from firmware_tools.flash import backend_for
from firmware_tools.image.image import Image
from firmware_tools.link.link import Link
from firmware_tools.link.protocol import Identity
from midfuse.core.errors import DeviceError


@dataclass(frozen=True)
class Session:
    """A board that has named the image as its own.

    `board` is as it is behind the port: one that is emulated counts instructions.
    """

    port: str
    link: Link
    identity: Identity
    board: Board


@contextmanager
def open_session(image: Image, board: Board, port: str | None = None) -> Iterator[Session]:
    """Put the image on the board and open the link; with `port`, take the board that is there.

    Raises:
        DeviceError: a tool is missing, no answer, or another image is on the board.
    """
    with ExitStack() as stack:
        if port is None:
            port = stack.enter_context(backend_for(board).boot(image.elf)).port
        else:
            board = board.on_hardware()
        yield stack.enter_context(connect(port, board, image.model_sha256, image.image_id))


@contextmanager
def connect(
    port: str,
    board: Board,
    model_sha256: str,
    image_id: str | None = None,
    *,
    appears_within: float = 0.0,
) -> Iterator[Session]:
    """Open a port and make sure that the board at its other end holds that model, or that image.

    A port on USB is gone while its board resets: it may take `appears_within` seconds.

    Raises:
        DeviceError: no such port, no answer, or another model or image is on the board.
    """
    baud = board.uart.baud if board.uart else 115200
    with _open(port, baud, time.monotonic() + appears_within) as line:
        link = Link(line)
        yield Session(port, link, link.open(model_sha256, image_id), board)


def _open(port: str, baud: int, give_up: float) -> serial.Serial:
    while True:
        try:
            return serial.serial_for_url(port, baudrate=baud)
        except (serial.SerialException, ValueError, OSError) as error:
            if time.monotonic() > give_up:
                raise DeviceError(
                    f"{port}: cannot be opened ({error})", "name the board's port with --port"
                ) from None
        time.sleep(0.1)
