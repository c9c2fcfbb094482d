"""Builds a model's C for an emulated Cortex-M and runs it there, without the serial line: for the
many random models that kernels of one instruction set are tried on."""

import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np
import numpy.typing as npt

from firmware_tools.board.registry import FIRMWARE, Board, read_board
from firmware_tools.board.schema import QemuEntry
from firmware_tools.board.toolchain import instruction_set
from firmware_tools.compiler import RUNTIME, CompiledModel, compile_model
from firmware_tools.compiler.passes import PASSES, Pass
from firmware_tools.compiler.variants import InstructionSet
from firmware_tools.image.elf import C_FLAGS, LINK_FLAGS
from midfuse.core.tflite_file import TFLiteModel
from tests.support.host_build import Window

HARNESS = [
    FIRMWARE / "start.c",
    FIRMWARE / "arm" / "startup.c",
    Path(__file__).with_name("harness_core.c"),
]
_FOLDERS = {
    InstructionSet.PORTABLE: ["."],
    InstructionSet.DSP: [".", "dsp"],
    InstructionSet.MVE: [".", "dsp", "mve"],
}
_INCLUDES = [f"-I{path}" for path in (FIRMWARE, RUNTIME, RUNTIME / "dsp", RUNTIME / "mve")]
_SECONDS = 60  # far more than the largest model takes


def run_on_core(
    board: Board,
    model: TFLiteModel,
    windows: list[Window],
    out: Path,
    *,
    observable: bool = False,
    passes: Sequence[Pass] = PASSES,
) -> tuple[CompiledModel, npt.NDArray[np.int8]]:
    """The compiled model, and its bytes as `run_compiled` of the host build gives them."""
    compiled = compile_model(
        model, out, observable=observable, passes=passes, instruction_set=instruction_set(board)
    )
    compiled_here = [str(out / "model.c"), str(_runtime(board.name))]
    return compiled, run_program(board, ["-O1", *compiled_here], windows, out)


def run_program(
    board: Board, arguments: list[str], windows: list[Window], out: Path
) -> npt.NDArray[np.int8]:
    """What a program answers that these arguments of the compiler make, the harness in it."""
    program = out / "program.elf"
    command = [board.toolchain.program("gcc"), *_flags(board), *arguments, *_link_flags(board, out)]
    subprocess.run([*command, "-o", str(program)], check=True)
    (out / "windows.bin").write_bytes(b"".join(v.tobytes() for window in windows for v in window))
    emulator = board.emulator
    assert isinstance(emulator, QemuEntry)
    command = [
        emulator.program, *emulator.arguments, "-kernel", str(program), "-nographic",
        "-serial", "null", "-monitor", "none", "-semihosting-config", "enable=on,target=native",
    ]  # fmt: skip
    subprocess.run(command, cwd=out, check=True, timeout=_SECONDS, stdin=subprocess.DEVNULL)
    return np.frombuffer((out / "answer.bin").read_bytes(), np.int8)


def _flags(board: Board) -> list[str]:
    return [*C_FLAGS, *board.toolchain.cpu_flags, *_INCLUDES]


@cache
def _runtime(name: str) -> Path:
    """All kernels that a board can run, start-up and the harness as one library."""
    board = read_board(name)
    folder = Path(mkdtemp(prefix=f"midfuse-{name}-"))
    folders = [RUNTIME / each for each in _FOLDERS[instruction_set(board)]]
    sources = [path for each in folders for path in sorted(each.glob("*.c"))]
    sources += HARNESS
    command = [board.toolchain.program("gcc"), *_flags(board), "-c", *map(str, sources)]
    subprocess.run(command, check=True, cwd=folder)
    library = folder / "libruntime.a"
    objects = sorted(str(path) for path in folder.glob("*.o"))
    subprocess.run([board.toolchain.program("ar"), "rcs", str(library), *objects], check=True)
    return library


def _link_flags(board: Board, folder: Path) -> list[str]:
    assert board.memory is not None
    assert board.toolchain.linker_script is not None
    flash, ram = board.memory.flash, board.memory.ram
    (folder / "memory.ld").write_text(
        f"MEMORY {{ FLASH (rx) : ORIGIN = {flash.start}, LENGTH = {flash.bytes}\n"
        f"RAM (rwx) : ORIGIN = {ram.start}, LENGTH = {ram.bytes} }}\n"
        f"STACK_BYTES = {board.memory.stack_bytes};\n",
        encoding="utf-8",
    )
    script = board.source(board.toolchain.linker_script)
    return [*LINK_FLAGS, *board.toolchain.link_flags, f"-L{folder}", f"-T{script}"]
