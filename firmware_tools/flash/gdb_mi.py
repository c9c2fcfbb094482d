"""GDB as a child process, spoken to in its machine interface (GDB manual, chapter GDB/MI)."""

import codecs
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from midfuse.core.children import child_process
from midfuse.core.errors import DeviceError

# Longer than any erase between two signs of life.
_SILENCE_SECONDS = 60.0
_TEXT = re.compile(r'"((?:[^"\\]|\\.)*)"')

Records = Callable[[str], None]


class Gdb:
    """One GDB; `run` gives it a command and waits for the answer."""

    def __init__(self, process: "subprocess.Popen[bytes]", program: str) -> None:
        self._process = process
        self._program = program
        self._received = b""

    def run(self, command: str, watch: Records = lambda _: None) -> str:
        """The answer's fields, and before them what GDB and the target printed.

        `watch` gets each record that comes before the answer, such as a download's progress.

        Raises:
            DeviceError: GDB refuses, with its message; or it ended, or stays silent.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(command.encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._ended() from None
        said = ""
        while True:
            line = self._line()
            if line.startswith(("^done", "^connected", "^running")):
                return said + line
            if line.startswith("^error"):
                raise DeviceError(text_of(line) or said.strip() or f"{command} failed")
            if line.startswith(("~", "@")):
                said += text_of(line)
            watch(line)

    def console(self, command: str) -> str:
        """What a command of GDB's own prints."""
        quoted = command.replace("\\", "\\\\").replace('"', '\\"')
        return self.run(f'-interpreter-exec console "{quoted}"')

    def _line(self) -> str:
        assert self._process.stdout is not None
        give_up = time.monotonic() + _SILENCE_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._received:
                if not selector.select(max(0.0, give_up - time.monotonic())):
                    raise DeviceError(f"{self._program} said nothing for {_SILENCE_SECONDS:g} s")
                received = os.read(self._process.stdout.fileno(), 4096)
                if not received:
                    raise self._ended()
                self._received += received
        line, _, self._received = self._received.partition(b"\n")
        return line.decode(errors="replace").strip()

    def _ended(self) -> DeviceError:
        code = self._process.wait(5)
        how = f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"
        return DeviceError(f"{self._program} ended with {how}")


@contextmanager
def open_gdb(program: str, elf: Path) -> Iterator[Gdb]:
    """Start GDB on a file, without the user's settings and without running what the file names."""
    command = [program, "--nx", "--quiet", "-iex", "set auto-load off", "--interpreter=mi3"]
    with child_process(
        [*command, str(elf)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        yield Gdb(process, program)


def text_of(record: str) -> str:
    """The first quoted text in a record, unescaped."""
    quoted = _TEXT.search(record)
    return codecs.decode(quoted[1], "unicode_escape") if quoted else ""
