"""Runs `midfuse convert` again and again, each time as a process of its own, measured.

The command is imported once; a line of JSON on standard input names arguments, a working folder and
a folder for temporary files, and is answered with what a fork of this process did with them.
"""

import json
import os
import signal
import sys
import time
from typing import NoReturn

from converter.commands.convert import convert


def main() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            run(job)
        _, status, usage = os.wait4(child, 0)
        answer = {
            "code": os.waitstatus_to_exitcode(status),
            "seconds": time.monotonic() - started,
            "peak_bytes": usage.ru_maxrss * 1024,
        }
        print(json.dumps(answer), flush=True)


def run(job: dict[str, str]) -> NoReturn:
    os.environ["TMPDIR"] = job["temp"]
    os.chdir(job["folder"])
    # What hangs ends as Ctrl-C would end it, long after it has failed the test.
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.alarm(40)
    for name, number in (("stdout", 1), ("stderr", 2)):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(file, number)
    code: str | int | None = 1
    try:
        convert.main(args=job["arguments"])
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


if __name__ == "__main__":
    main()
