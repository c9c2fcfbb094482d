"""Child processes that do not outlive their parent."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

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
