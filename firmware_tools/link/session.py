"""A port with a board at its other end that holds the image it is thought to hold."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import serial

from firmware_tools.board.registry import Board
from firmware_tools.link.protocol import Identity
from firmware_tools.link.requests import Link
from firmware_tools.link.transport import Transport
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
        link = Link(Transport(line))
        yield Session(port, link, link.open(model_sha256, image_id), board)


def _open(port: str, baud: int, give_up: float) -> serial.Serial:
    while True:
        try:
            return serial.serial_for_url(port, baudrate=baud)
        except (serial.SerialException, ValueError, OSError) as error:
            if time.monotonic() > give_up:
                raise DeviceError(
                    f"{port}: cannot be opened ({error})", "name the board's own port as `port`"
                ) from None
        time.sleep(0.1)
