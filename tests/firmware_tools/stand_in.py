"""A checkout with the stand-in for TFLM in it, built for a board (see tflm_stand_in/README.md)."""

import shutil
import subprocess
from pathlib import Path

import numpy as np

from firmware_tools.board.registry import Board
from firmware_tools.image.elf import CXX_FLAGS
from firmware_tools.runtimes.tflm.library import ARCHIVE
from midfuse.core.oracle import Values
from midfuse.core.tflite_file import TFLiteModel

STAND_IN = Path(__file__).with_name("tflm_stand_in")
DEFINES = ["-DTF_LITE_STATIC_MEMORY"]
_DOWNLOADS = "tensorflow/lite/micro/tools/make/downloads"


def stand_in_checkout(folder: Path) -> Path:
    """The headers where a checkout has them; nothing is built."""
    shutil.copytree(STAND_IN / "tensorflow", folder / "tensorflow")
    shutil.copytree(STAND_IN / "third_party", folder / _DOWNLOADS)
    return folder


def build_stand_in(
    checkout: Path, board: Board, build: str, *, cmsis_nn: bool = False, define: str = "STAND_IN"
) -> Path:
    """The library in `gen/BUILD`, with a member of CMSIS-NN's kind if it is wanted.

    `define` may be TF_LITE_STRIP_ERROR_STRINGS, as in TFLM's release builds, USE_TFLM_COMPRESSION,
    or STAND_IN_REFUSES with the code of the op that it then lacks.
    """
    folder = checkout / "gen" / build / "lib"
    folder.mkdir(parents=True)
    flags = [*CXX_FLAGS, *board.toolchain.cpu_flags, f"-I{checkout}", *DEFINES, f"-D{define}"]
    kernels = "arm_library" if cmsis_nn else "library"
    for source, name in (("library", kernels), ("cxx_support", "cxx_support")):
        command = [board.toolchain.program("g++"), *flags, "-c", str(STAND_IN / f"{source}.cc")]
        subprocess.run([*command, "-o", str(folder / f"{name}.o")], check=True)
    # A compiler without a C++ library links with the last two.
    for archive, name in (
        (ARCHIVE, kernels),
        ("libstdc++.a", "cxx_support"),
        ("libstdc++_nano.a", "cxx_support"),
    ):
        command = [board.toolchain.program("ar"), "rcs", str(folder / archive)]
        subprocess.run([*command, str(folder / f"{name}.o")], check=True)
    return folder.parent


def stand_in_tensors(model: TFLiteModel, window: list[Values]) -> dict[int, bytes]:
    """What the stand-in computes: the bytes of every input and of every op's output."""
    found = {index: values.tobytes() for index, values in zip(model.inputs, window, strict=True)}
    for op in model.ops:
        size = model.tensors[op.outputs[0]].bytes
        total = np.arange(size) + op.index
        for index in op.inputs:
            if index in found:
                total += np.resize(np.frombuffer(found[index], np.uint8), size)
        found[op.outputs[0]] = (total % 256).astype(np.uint8).tobytes()
    return found


def stand_in_arena(model: TFLiteModel) -> int:
    """The least arena that the stand-in starts the model with: see its AllocateTensors."""
    kept = [tensor.bytes for tensor in model.tensors if tensor.data is None]
    lasting = [4 * len(model.tensors), 48 * len(model.ops)]
    return _rounded(sum(map(_rounded, kept + lasting)) + 24 * len(kept))


def _rounded(size: int) -> int:
    return -(-size // 16) * 16
