"""A line that loses, damages, repeats and delays, between a host and a native board."""

import itertools
import os
import random
import select
import threading
import tty
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from firmware_tools.emulate.process import Process

PIECE_BYTES = 64


@dataclass(frozen=True)
class Faults:
    """Probabilities for each piece of 64 bytes.

    `reset_every`: the board is reset whenever the line was active so often; 0 is never.
    """

    drop: float = 0.0
    flip: float = 0.0
    cut: float = 0.0
    repeat: float = 0.0
    delay: float = 0.0
    noise: float = 0.0
    reset_every: int = 0


@dataclass
class LossyLine:
    """What the test sees: the port for the host, and how often each fault was done."""

    port: str
    done: dict[str, int] = field(default_factory=dict)


@contextmanager
def lossy_line(elf: Path, faults: Faults, seed: int) -> Iterator[LossyLine]:
    """Boot the board and put a relay between it and the port that is handed out.

    A reset kills the board's process and boots another; pieces that were held back from before
    reach the new one.
    """
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    line = LossyLine(os.ttyname(theirs))
    stop_reader, stop = os.pipe()
    relay = threading.Thread(target=_relay, args=(elf, faults, seed, line, ours, stop_reader))
    relay.start()
    try:
        yield line
    finally:
        os.close(stop)
        relay.join()
        for each in (ours, theirs, stop_reader):
            os.close(each)


def _relay(elf: Path, faults: Faults, seed: int, line: LossyLine, host: int, stop: int) -> None:
    spoiler = _Spoiler(faults, seed, line.done)
    while True:
        with ExitStack() as stack:
            port = stack.enter_context(Process().boot(elf)).port
            board = os.open(port, os.O_RDWR | os.O_NOCTTY)
            stack.callback(os.close, board)
            line.done["boots"] = line.done.get("boots", 0) + 1
            for active in itertools.count(1):
                if active == faults.reset_every:
                    break
                ready = select.select([host, board, stop], [], [])[0]
                if stop in ready:
                    return
                for source in ready:
                    target = board if source == host else host
                    for piece in spoiler.spoil(os.read(source, 4096), to_board=target == board):
                        os.write(target, piece)


class _Spoiler:
    def __init__(self, faults: Faults, seed: int, done: dict[str, int]) -> None:
        self._faults = faults
        self._random = random.Random(seed)
        self._done = done
        # Pieces held back, by direction; a reset of the board does not lose them.
        self._held: dict[bool, list[bytes]] = {True: [], False: []}

    def happens(self, fault: str) -> bool:
        if self._random.random() >= getattr(self._faults, fault):
            return False
        self._done[fault] = self._done.get(fault, 0) + 1
        return True

    def spoil(self, received: bytes, *, to_board: bool) -> Iterator[bytes]:
        """What the other side gets instead."""
        held = self._held[to_board]
        for at in range(0, len(received), PIECE_BYTES):
            piece = bytearray(received[at : at + PIECE_BYTES])
            if self.happens("drop"):
                continue
            if self.happens("flip"):
                piece[self._random.randrange(len(piece))] ^= 1 << self._random.randrange(8)
            if self.happens("cut"):
                del piece[self._random.randrange(len(piece)) :]
            if self.happens("noise"):
                piece += self._random.randbytes(20)
            if self.happens("delay"):
                held.append(bytes(piece))
                continue
            yield bytes(piece)
            if self.happens("repeat"):
                yield bytes(piece)
            if held and self._random.random() < 0.3:
                yield held.pop(0)
