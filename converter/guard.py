"""A conversion in a process of its own, so that no file can take the command down with it.

Native code (onnxruntime, LiteRT, TFLM) does what a model says. A model made to harm, or a fault in
that code, may end its process or use up the machine's memory; what is left is one line.
"""

import contextlib
import os
import pickle
import select
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NoReturn, TypeVar

from midfuse.core.errors import InputError, MidfuseError

T = TypeVar("T")

# A process of an ordinary conversion, tensorflow's among them, stays below 1.2 GB.
_MAX_BYTES = 1_800_000_000
_POLL_SECONDS = 0.05


def guarded(work: Callable[[], T], where: str) -> T:
    """Do `work` in a child process and return what it returns; `where` names its input in errors.

    What native code prints is kept from the terminal. Temporary files are gone afterwards,
    however the work ended.

    Raises:
        MidfuseError: raised by the work.
        InputError: the work died, failed in a way that nobody foresaw, or took too much memory.
    """
    with tempfile.TemporaryDirectory(prefix="midfuse-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        receiver, sender = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(receiver)
            _work(work, os.fdopen(sender, "wb"), folder)
        os.close(sender)
        with contextlib.suppress(OSError):  # the child does it too: whichever comes first
            os.setpgid(child, child)
        try:
            with os.fdopen(receiver, "rb") as answers:
                answer = _await(child, answers, where)
        finally:
            # Also on an interrupt, and also what the work itself started.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        if not answer:
            raise InputError(
                f"{where}: the conversion died ({_death(status)}{_last_line(folder)})",
                "simplify the model, or report it with the model",
            )
    outcome, value = pickle.loads(answer)
    if outcome == "refused":
        raise value
    if outcome == "failed":
        raise InputError(
            f"{where}: the conversion failed ({value.strip().splitlines()[-1]})",
            "simplify the model, or report it with the details of this error",
            details=value,
        )
    return value


def _work(work: Callable[[], T], answers: IO[bytes], folder: Path) -> NoReturn:
    """The child: never returns into what the parent is doing."""
    code = 1
    try:
        # A group of its own, to be ended together with what it starts.
        os.setpgid(0, 0)
        tempfile.tempdir = str(folder)
        _keep_native_noise(folder)
        try:
            answer: tuple[str, Any] = ("done", work())
        except MidfuseError as error:
            answer = ("refused", error)
        except Exception:
            answer = ("failed", traceback.format_exc())
        answers.write(pickle.dumps(answer))
        answers.close()
        sys.stdout.flush()
        sys.stderr.flush()
        code = 0
    finally:
        os._exit(code)


def _keep_native_noise(folder: Path) -> None:
    """Send into a log what is printed past Python's standard error, which shows the progress."""
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.fileno() == 2:
            sys.stderr = os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8")
    log = os.open(folder / "native.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)


def _await(child: int, answers: IO[bytes], where: str) -> bytes:
    """What the child sends until it closes its end; nothing where it dies."""
    parts: list[bytes] = []
    while True:
        if select.select([answers], [], [], _POLL_SECONDS)[0]:
            part = os.read(answers.fileno(), 1 << 20)
            if not part:
                return b"".join(parts)
            parts.append(part)
        elif any(_resident(process) > _MAX_BYTES for process in _family(child)):
            raise InputError(
                f"{where}: the conversion takes more than {_MAX_BYTES / 1e9:g} GB of memory",
                "no microcontroller holds such a model; give fewer calibration windows",
            )


def _family(process: int) -> Iterator[int]:
    """A process and what it started, as far as the system tells."""
    yield process
    with contextlib.suppress(OSError, ValueError):
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            yield from _family(int(child))


def _resident(process: int) -> int:
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def _death(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.strsignal(os.WTERMSIG(status)) or f"signal {os.WTERMSIG(status)}"
    return f"exit code {os.WEXITSTATUS(status)}"


def _last_line(folder: Path) -> str:
    with contextlib.suppress(OSError):
        lines = (folder / "native.log").read_text(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        return f": {said[-1][:200]}" if said else ""
    return ""
