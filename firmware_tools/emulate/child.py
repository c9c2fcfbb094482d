"""A child process that never outlives its parent, and says why it ended."""

import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from midfuse.core.children import die_with
from midfuse.core.errors import DeviceError

_START_SECONDS = 20.0


@dataclass(frozen=True)
class Running:
    """A board that was booted: the port it answers on, and the program that is the board."""

    port: str
    process: "subprocess.Popen[bytes]"

    def check(self) -> None:
        """Raise a DeviceError when the program has ended by itself."""
        if self.process.poll() is not None:
            raise DeviceError(f"{self.port}: the board ended", "start it again")


@contextmanager
def board_process(command: list[str], find_port: Callable[[str], str | None]) -> Iterator[Running]:
    """Run a program that acts as a board, and end it on the way out.

    `find_port` gets each line of its output until it finds the port in one. When the body fails
    with a DeviceError because the program ended, the error says how it ended instead.

    Raises:
        DeviceError: the program ends or stays silent before it names a port.
    """
    with tempfile.TemporaryFile("w+", errors="replace") as complaints:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            # Ctrl-C is for us; the child is ended below.
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),
        )
        try:
            yield Running(_port(child, command[0], find_port), child)
        except DeviceError as error:
            # The line may go a moment before the process does.
            try:
                ended = child.wait(0.5)
            except subprocess.TimeoutExpired:
                raise error from None
            complaints.seek(0)
            words = complaints.read()
            raise DeviceError(
                _epitaph(command[0], ended, words), error.remedy, details=words
            ) from None
        finally:
            child.terminate()
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None:
                    stream.close()


def _port(
    child: "subprocess.Popen[bytes]", program: str, find_port: Callable[[str], str | None]
) -> str:
    """Read the child's output until it names its port; the rest of it is not needed."""
    assert child.stdout is not None
    give_up = time.monotonic() + _START_SECONDS
    output = b""
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, give_up - time.monotonic())):
            received = os.read(child.stdout.fileno(), 4096)
            if not received:
                child.wait(5)
                break
            output += received
            for line in output.decode(errors="replace").splitlines(keepends=True):
                port = find_port(line.rstrip("\n")) if line.endswith("\n") else None
                if port is not None:
                    return port
    raise DeviceError(f"{program} named no port", "run it by hand to see why")


def _epitaph(program: str, code: int, complaints: str) -> str:
    """One line on how a board process ended: a sanitizer's finding, or its last words."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR:" in line or "runtime error" in line]
    words = (telling or lines[-1:] or ["it said nothing"])[0]
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
    return f"{program} ended with {how}: {words}"
