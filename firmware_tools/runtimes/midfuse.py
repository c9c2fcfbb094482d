"""Our own runtime: a model compiled to C, with the bytes of TensorFlow Lite Micro."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from firmware_tools.board.registry import Board
from firmware_tools.board.toolchain import instruction_set, require_toolchain
from firmware_tools.compiler import compile_model
from firmware_tools.image.limits import check_fit
from firmware_tools.image.linking import link_firmware
from firmware_tools.image.memory import memory_use
from firmware_tools.image.memory_page import memory_report, write_report
from firmware_tools.runtimes.interface import Expected, tflm_answers
from midfuse.core.errors import InputError
from midfuse.core.oracle import Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image, ImageStep
from midfuse.core.tflite_file import TFLiteModel


class Midfuse:
    """The runtime that `midfuse build` takes when no other is named."""

    name = "midfuse"

    def require(self, board: Board) -> None:
        """See `Runtime.require`."""
        require_toolchain(board)

    def build(
        self,
        model: TFLiteModel,
        board: Board,
        out: Path,
        *,
        observable: bool = False,
        report: bool = False,
        progress: Progress = SILENT,
    ) -> Image:
        """See `Runtime.build`, and `build_firmware`."""
        return build_firmware(
            model, board, out, observable=observable, report=report, progress=progress
        )

    def expected(
        self, model: TFLiteModel, inputs: Sequence[Values], progress: Progress = SILENT
    ) -> Expected:
        """TFLM's bytes; see `Runtime.expected`."""
        return tflm_answers(model, inputs, progress)


def create(folder: Path | None) -> Midfuse:
    """The entry point.

    Raises:
        InputError: a folder is named, and it has none.
    """
    if folder is not None:
        raise InputError(f"{folder}: the midfuse runtime has no folder", "choose another `runtime`")
    return Midfuse()


def build_firmware(
    model: TFLiteModel,
    board: Board,
    out: Path,
    *,
    observable: bool = False,
    sanitize: bool = False,
    report: bool = False,
    progress: Progress = SILENT,
) -> Image:
    """Compile a model and link it into `out/firmware.elf`, `.bin`, `.map` and `.json`.

    The same model, board and compiler give the same bytes. `observable` keeps every op's output
    readable; `sanitize` adds address and undefined-behaviour sanitizers (host boards). `report`
    writes `out/memory.html` too, even for a model that does not fit.

    Raises:
        InputError: an op that is not supported, or a model that does not fit the board.
        DeviceError: the compiler is missing or fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        compiled = compile_model(
            model,
            Path(scratch),
            observable=observable,
            instruction_set=instruction_set(board),
        )
        memory = memory_use(compiled)
        if report:
            write_report(memory_report(model, compiled, memory, board=board), out)
        check_fit(model.path, memory, board)
        image = link_firmware(
            board,
            compiled.sources,
            out,
            include_dirs=compiled.include_dirs,
            model_sha256=model.sha256,
            observable=observable,
            memory=memory,
            steps=[
                ImageStep(name=step.name, ops=[op.index for op in step.ops], work=float(step.work))
                for step in compiled.program.steps
            ],
            sanitize=sanitize,
            progress=progress,
        )
        if report:
            parts = image.flash_parts
            page = memory_report(model, compiled, memory, board=board, flash_parts=parts)
            write_report(page, out)
        return image
