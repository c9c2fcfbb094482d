"""The board's compiler: whether it is installed, and what it says that the core can run."""

import shutil
import subprocess

from firmware_tools.board.packages import apt_line
from firmware_tools.board.registry import Board
from firmware_tools.compiler.variants import InstructionSet
from midfuse.core.errors import DeviceError


def require_toolchain(board: Board) -> None:
    """Raise a DeviceError unless the board's compiler is installed."""
    for name in ("gcc", "objcopy", "size"):
        if shutil.which(board.toolchain.program(name)) is None:
            raise DeviceError(
                f"{board.toolchain.program(name)}, which builds for {board.name}, is not installed",
                apt_line(board.toolchain.packages),
            )


def instruction_set(board: Board) -> InstructionSet:
    """What the board's core can run.

    Raises:
        DeviceError: the compiler is missing or fails.
    """
    macros = target_macros(board)
    if "__ARM_FEATURE_MVE" in macros:
        return InstructionSet.MVE
    return InstructionSet.DSP if "__ARM_FEATURE_DSP" in macros else InstructionSet.PORTABLE


def target_macros(board: Board) -> list[str]:
    """The words of the macros by which the board's compiler says what the core can run.

    Raises:
        DeviceError: the compiler is missing or fails.
    """
    require_toolchain(board)
    command = [board.toolchain.program("gcc"), *board.toolchain.cpu_flags, "-dM", "-E", "-xc", "-"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=False)
    return done.stdout.split()
