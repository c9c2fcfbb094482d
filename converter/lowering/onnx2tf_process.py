"""What runs in onnx2tf's own process: it imports, waits for its arguments, and converts.

Run by its path, so that nothing else of the converter is imported. The arguments come as one line
of JSON on standard input, which then stays open: when it closes, whoever asked is gone, and this
process goes too, with the programs that onnx2tf calls.
"""

import json
import os
import signal
import sys
from queue import Queue
from threading import Thread

_arguments: "Queue[list[str]]" = Queue()


def _listen() -> None:
    line = b""
    # Not by sys.stdin: a thread that waits in there would stop the interpreter from exiting.
    while part := os.read(0, 1 << 16):
        line += part
        if line.endswith(b"\n"):
            _arguments.put(json.loads(line))
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    Thread(target=_listen, daemon=True).start()
    from onnx2tf.onnx2tf import main

    sys.argv = ["onnx2tf", *_arguments.get()]
    main()
