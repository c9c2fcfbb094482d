"""QEMU halted with its GDB stub open, and a relay before the stub that can damage what passes."""

import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from select import select

import pytest

from firmware_tools.emulate.child import board_process

# What to do with the n-th packet that writes memory: pass it on, changed or not, or cut the line.
Spoil = Callable[[int, bytes], bytes | None]

_PACKET = re.compile(rb"\$[^#]*#[0-9a-f]{2}")


def untouched(_: int, packet: bytes) -> bytes:
    return packet


def damaged(packet: bytes) -> bytes:
    """The packet with its last byte of data changed, and a right checksum."""
    body = packet[1:-3]
    body = body[:-1] + (b"0" if body[-1:] != b"0" else b"1")
    return b"$%s#%02x" % (body, sum(body) % 256)


@dataclass
class HaltedBoard:
    """`endpoint` is the relay's; `port` the machine's serial port."""

    endpoint: str
    port: str
    spoil: Spoil = untouched


@contextmanager
def halted_board(machine: str, folder: Path) -> Iterator[HaltedBoard]:
    """A QEMU machine without any image, waiting for GDB."""
    if shutil.which("qemu-system-arm") is None or shutil.which("gdb-multiarch") is None:
        pytest.skip("qemu-system-arm or gdb-multiarch is not installed")
    stub = folder / "stub"
    command = ["qemu-system-arm", "-machine", machine, "-S", "-icount", "shift=0"]
    command += ["-gdb", f"unix:{stub},server=on,wait=off"]
    command += ["-nographic", "-monitor", "none", "-serial", "pty"]

    def find_port(line: str) -> str | None:
        found = re.search(r"char device redirected to (\S+)", line)
        return found[1] if found else None

    with ExitStack() as stack:
        running = stack.enter_context(board_process(command, find_port))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        board = HaltedBoard(f"127.0.0.1:{listener.getsockname()[1]}", running.port)
        stop, stopping = socket.socketpair()
        relay = threading.Thread(target=_relay, args=(board, listener, stub, stopping))
        relay.start()
        try:
            yield board
        finally:
            stop.close()
            relay.join()
            stopping.close()


def _relay(
    board: HaltedBoard, listener: socket.socket, stub: Path, stopping: socket.socket
) -> None:
    """One GDB after the other, until the other end of `stopping` is closed."""
    while listener in select([listener, stopping], [], [])[0]:
        with listener.accept()[0] as gdb, socket.socket(socket.AF_UNIX) as machine:
            machine.connect(str(stub))
            _serve(board, gdb, machine, stopping)


def _serve(
    board: HaltedBoard, gdb: socket.socket, machine: socket.socket, stopping: socket.socket
) -> None:
    waiting, writes = b"", 0
    while True:
        ready = select([gdb, machine, stopping], [], [])[0]
        if stopping in ready:
            return
        try:
            if machine in ready:
                answer = machine.recv(65536)
                if not answer:
                    return
                gdb.sendall(answer)
            if gdb in ready:
                received = gdb.recv(65536)
                if not received:
                    return
                waiting += received
                while packet := _PACKET.search(waiting):
                    before, waiting = waiting[: packet.start()], waiting[packet.end() :]
                    passed: bytes | None = packet[0]
                    # An empty write is a question whether it is known.
                    if packet[0].startswith((b"$M", b"$X")) and not re.search(b",0:", packet[0]):
                        writes += 1
                        passed = board.spoil(writes, packet[0])
                    if passed is None:
                        return
                    machine.sendall(before + passed)
                if not waiting.startswith(b"$"):
                    machine.sendall(waiting)
                    waiting = b""
        except OSError:
            return
