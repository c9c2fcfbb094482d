"""From a `.tflite` to an image in which TFLM interprets it.

TFLM's arena is as large as TFLM says. So an image is built twice: first as a probe, which runs on
an emulated board of the same core and finds out, then with just that much (see probe.cc).
"""

import shutil
import tempfile
from pathlib import Path

from firmware_tools.board.registry import FIRMWARE, Board
from firmware_tools.emulate.boot import emulator_for
from firmware_tools.image.elf import InferenceCode
from firmware_tools.image.limits import check_fit
from firmware_tools.image.linking import link_firmware
from firmware_tools.runtimes.tflm.generate import op_methods, write_header, write_model
from firmware_tools.runtimes.tflm.library import Library
from firmware_tools.runtimes.tflm.probe import Probed, emulated_twin, probe
from midfuse.core.errors import DeviceError
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image, ImageStep, MemoryUse
from midfuse.core.tflite_file import TFLiteModel


def build_tflm(
    model: TFLiteModel,
    board: Board,
    library: Library,
    out: Path,
    *,
    observable: bool = False,
    progress: Progress = SILENT,
) -> Image:
    """Build a model over TFLM into `out`; the files are those of `build_firmware`.

    Only the model's kinds of op are linked in. An `observable` image keeps all tensors. Its steps
    are the .tflite's ops; there are none where the library has no profiler.

    Raises:
        InputError: an op that this TFLM lacks, a model that it does not take, or one that does not
            fit the board.
        DeviceError: a compiler or the emulator is missing or fails.
    """
    methods = op_methods(model, library)
    target, twin = library.compiler_for(board), library.compiler_for(emulated_twin(board))
    compiler = target.toolchain.program("g++")
    if shutil.which(compiler) is None:
        raise DeviceError(
            f"{compiler}, which TFLM's headers are for, is not installed",
            f"install the C++ compiler that goes with {board.toolchain.program('gcc')}",
        )
    emulator_for(twin).require()
    with tempfile.TemporaryDirectory() as scratch:
        generated = Path(scratch)
        write_header(generated, model, methods, observable=observable)
        runtime = InferenceCode(
            library.runtime,
            (FIRMWARE / "tflm/interpreter.cc", FIRMWARE / "tflm/abort.c"),
            library.archive,
            tuple(library.include_dirs),
            tuple(library.defines),
        )
        probed = probe(model, twin, runtime, generated, progress)
        memory = _memory(model, probed)
        check_fit(model.path, memory, board)
        steps = model.ops if probed.events == len(model.ops) else []
        source = write_model(
            generated,
            model,
            arena_bytes=probed.arena_bytes,
            steps=len(steps),
            observable=observable,
        )
        return link_firmware(
            target,
            [source],
            out,
            include_dirs=[generated],
            model_sha256=model.sha256,
            memory=memory,
            steps=[ImageStep(name=op.name, ops=[op.index]) for op in steps],
            observable=observable,
            runtime=runtime,
            progress=progress,
        )


def _memory(model: TFLiteModel, probed: Probed) -> MemoryUse:
    """The whole .tflite lies in flash; which op sets the arena's size, TFLM does not say."""
    held = [
        sum(
            model.tensors[index].bytes
            for index in op.inputs
            if index >= 0 and model.tensors[index].data is not None
        )
        for op in model.ops
    ]
    largest = model.ops[held.index(max(held))] if any(held) else None
    return MemoryUse(
        arena_bytes=probed.arena_bytes,
        peak_bytes=probed.tensor_bytes,
        peak_op=None,
        peak_op_name="",
        constant_bytes=len(model.content),
        largest_bytes=max(held, default=0),
        largest_op=largest.index if largest else None,
        largest_op_name=largest.name if largest else "",
    )
