"""Child processes that do not outlive their parent."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> Callable[[], None]:
    """For `preexec_fn`: the child hears Ctrl-C, whatever it has inherited, and on Linux the kernel
    ends it when its parent, the process `parent`, dies, however it dies.
    """
    prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None

    def in_child() -> None:
        # What a shell starts in the background ignores it, and children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if prctl is not None:
            prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    return in_child


@contextmanager
def child_process(command: Sequence[str], **options: Any) -> Iterator["subprocess.Popen[Any]"]:
    """A program that is killed, and its pipes closed, on the way out; `options` are `Popen`'s."""
    process = subprocess.Popen(
        command,
        # Ctrl-C is for us; the child is ended below.
        start_new_session=True,
        preexec_fn=die_with(os.getpid()),
        **options,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                stream.close()
