"""Compilers, emulators and programs that flash."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from functools import partial

from firmware_tools.board.packages import apt_line
from firmware_tools.board.registry import Board
from firmware_tools.board.schema import QemuEntry
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.doctor.finding import Finding, lacking
from firmware_tools.flash import installed, programmer_for
from firmware_tools.flash.gdb import PROGRAMS, GdbRemote
from firmware_tools.flash.openocd import PROGRAM, OpenOcd
from midfuse.core.errors import DeviceError

# Each back end's programs, of which one will do; the first is a Debian package, too.
_FLASH_TOOLS = {OpenOcd.name: (PROGRAM,), GdbRemote.name: PROGRAMS}
_ANSWER_SECONDS = 10.0


def missing_way(board: Board) -> str | None:
    """The flash back end whose tool has to be installed: the board's first, where it is not
    emulated and none of its ways is ready. None where there is nothing to do.

    GDB alone is a way only for a board that has no other: it takes a server or a probe that
    speaks its protocol.
    """
    ways = [entry.backend for entry in board.flash]
    ways = [way for way in ways if way != "gdb"] or ways
    here = (installed(programmer_for(board, way)) for way in ways)
    return None if board.emulator or any(here) else ways[0]


def tools(board: Board, boards: Sequence[Board], missing: str | None) -> Iterator[Finding]:
    """The compilers and emulators of all boards, each once, and the programs that flash.

    `missing` is the `missing_way`.
    """
    compilers = {each.toolchain.prefix: each for each in [*boards, board]}
    for prefix, one in sorted(compilers.items()):
        yield _compiler(one, needed=prefix == board.toolchain.prefix)
    emulators = [each.emulator for each in boards if isinstance(each.emulator, QemuEntry)]
    mine = board.emulator.program if isinstance(board.emulator, QemuEntry) else None
    for program, entry in sorted({each.program: each for each in emulators}.items()):
        yield _program(program, (program,), entry.packages, needed=program == mine)
    for backend, programs in _FLASH_TOOLS.items():
        yield _program(programs[0], programs, programs[0], needed=backend == missing)


def _compiler(board: Board, *, needed: bool) -> Finding:
    """GCC, its binutils, and the headers of the C library that its boards use."""
    gcc, packages = board.toolchain.program("gcc"), board.toolchain.packages
    found = _program(gcc, (gcc,), packages, needed=needed)
    if found.state != "ready":
        return found
    lacks = partial(Finding, gcc, lacking(needed), remedy=apt_line(packages), packages=packages)
    try:
        require_toolchain(board)
    except DeviceError as error:
        return lacks(error.problem)
    includes = [f"-I{board.source(name)}" for name in board.firmware.includes]
    command = [gcc, *board.toolchain.cpu_flags, *includes, "-E", "-x", "c", "-"]
    if not _says(command, "#include <string.h>\n"):
        return lacks("cannot include <string.h>: no C library for it")
    return found


def _program(what: str, programs: Sequence[str], packages: str, *, needed: bool) -> Finding:
    there = next(filter(shutil.which, programs), None)
    if there is None:
        return Finding(what, lacking(needed), "not installed", apt_line(packages), packages)
    said = _says([there, "--version"])
    # "GNU gdb (Debian 13.1-3) 13.1": what the distribution calls it stands in parentheses.
    found = re.search(r"\d+\.\d[\w.+-]*", re.sub(r"\([^)]*\)", "", said))
    where = shutil.which(there)
    if found is None:
        remedy = f"{where} --version  # it says why"
        return Finding(what, lacking(needed), f"{where} does not run", remedy)
    return Finding(what, "ready", f"{found[0]}, {where}")


def _says(command: list[str], given: str = "") -> str:
    """What a program prints; nothing where it fails."""
    try:
        done = subprocess.run(
            command,
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
