"""How large TFLM's arena has to be for a model, asked of TFLM on an emulated board."""

import struct
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from firmware_tools.board.registry import FIRMWARE, Board, board_names, read_board
from firmware_tools.emulate.boot import open_session
from firmware_tools.image.elf import InferenceCode
from firmware_tools.image.linking import link_firmware
from firmware_tools.runtimes.tflm.generate import write_probed_model
from midfuse.core.errors import InputError
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import MemoryUse
from midfuse.core.tflite_file import TFLiteModel

# What probe.cc answers: the figures of `Probed`, then what TFLM complained of.
_FOUND = struct.Struct("<3i")
_COMPLAINT_BYTES = 128
_NO_MEMORY = MemoryUse(
    arena_bytes=0,
    peak_bytes=0,
    peak_op=None,
    peak_op_name="",
    constant_bytes=0,
    largest_bytes=0,
    largest_op=None,
    largest_op_name="",
)


@dataclass(frozen=True)
class Probed:
    """Bytes of the arena, of these its tensors', and what TFLM's profiler was told in an inference.

    `events` is 0 where the library was built without its profiler.
    """

    arena_bytes: int
    tensor_bytes: int
    events: int


def probe(
    model: TFLiteModel,
    board: Board,
    runtime: InferenceCode,
    generated: Path,
    progress: Progress = SILENT,
) -> Probed:
    """Run the model's probe on `board`, which is emulated; `generated` has its tflm_model.h.

    Raises:
        InputError: TFLM does not take the model.
        DeviceError: a tool is missing, or the probe does not answer.
    """
    source = write_probed_model(generated, model, on_host=board.memory is None)
    with tempfile.TemporaryDirectory() as out:
        image = link_firmware(
            board,
            [source],
            Path(out),
            include_dirs=[generated],
            model_sha256=model.sha256,
            memory=_NO_MEMORY,
            runtime=replace(
                runtime, sources=(FIRMWARE / "tflm/probe.cc", FIRMWARE / "tflm/abort.c")
            ),
            progress=progress,
        )
        with open_session(image, board) as session:
            answer = session.link.run_window([], [_FOUND.size, _COMPLAINT_BYTES])
    found = Probed(*_FOUND.unpack(answer.outputs[0]))
    if found.arena_bytes == 0:
        said = answer.outputs[1].rstrip(b"\0").decode(errors="replace")
        complaint = " ".join(said.split()) or "its library was built without messages"
        raise InputError(
            f"{model.path}: TFLM does not take it: {complaint}",
            "convert it for TFLM, or choose the midfuse `runtime`",
        )
    return found


def emulated_twin(board: Board) -> Board:
    """A board of the same core and ABI that runs on this computer, the one with most RAM.

    Raises:
        InputError: there is none.
    """
    twins = [
        each
        for each in (board, *map(read_board, board_names()))
        if each.emulator is not None
        and set(each.toolchain.cpu_flags) == set(board.toolchain.cpu_flags)
    ]
    if not twins:
        raise InputError(
            f"{board.name}: no emulated board has its core, so nothing says how large TFLM's arena"
            " has to be",
            "add one with the same cpu_flags to $MIDFUSE_BOARDS",
        )
    return max(twins, key=lambda each: each.memory.ram.bytes if each.memory else 0)
