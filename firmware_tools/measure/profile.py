"""What each step of an inference takes, measured on the board in the image that ships.

The board reads its counter before and after every step and answers with the differences (PROFILE
in PROTOCOL.md); how long a reading takes is measured too, and taken off. A SysTick tick of an
emulated board is 31 to 62 instructions, too coarse for a step that has a hundred. So for a profile
the emulator lets an instruction last 64 ns instead of 1 (`-icount shift=6`): a tick is then less
than one instruction, and every figure is right to within one. The code that runs is the same.

The whole inference is measured apart, as `midfuse evaluate` does it. It takes a little more than
the steps' sum: the loop around them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from firmware_tools.board.registry import Board
from firmware_tools.board.schema import QemuEntry
from firmware_tools.emulate.boot import emulator_for, open_session
from firmware_tools.link.session import Session
from firmware_tools.runtimes.interface import Runtime
from midfuse.core.errors import InputError
from midfuse.core.macs import op_macs
from midfuse.core.oracle import Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image, Profile, StepProfile
from midfuse.core.tflite_file import TFLiteModel

# How far the steps' sum may be from the whole.
TOLERANCE = 0.02
_ONE_NS, _SHORTER = "shift=0", "shift=6"


def profile_model(
    model: TFLiteModel,
    board: Board,
    inputs: Sequence[Values],
    out: Path,
    runtime: Runtime,
    *,
    port: str | None = None,
    progress: Progress = SILENT,
) -> Profile:
    """Build the ordinary image into `out`, boot it, and time every step over every window.

    `inputs` are as in `evaluate_model`.

    Raises:
        InputError: the model is not supported or does not fit the board, or the image has no
            profiler.
        DeviceError: a tool is missing, or the board does not answer.
    """
    if port is None:
        board = with_short_ticks(board)
        emulator_for(board).require()
    image = runtime.build(model, board, out, progress=progress)
    if model.ops and not image.steps:
        raise InputError(
            f"{image.elf}: its runtime, {image.runtime}, has no profiler in it",
            "build TFLM without BUILD_TYPE=release; release_with_logs has one",
        )
    with open_session(image, board, port) as session:
        return time_steps(session, model, image, inputs, progress)


def time_steps(
    session: Session,
    model: TFLiteModel,
    image: Image,
    inputs: Sequence[Values],
    progress: Progress = SILENT,
) -> Profile:
    """`profile_model` on a board that runs the model's image already."""
    board, windows = session.board, len(inputs[0])
    whole, steps = np.zeros(windows), np.zeros((windows, len(image.steps)))
    with progress.task(f"steps on {board.name}", windows) as task:
        for at in range(windows):
            window = [values[at].tobytes() for values in inputs]
            whole[at] = session.link.run_window(window, []).ticks
            steps[at] = session.link.step_ticks(window)
            task.advance()
    per_tick = board.instructions_per_tick
    unit = "instructions" if per_tick else "nanoseconds"
    taken = steps.mean(axis=0) * (per_tick or 1e9 / board.ticks.per_second)
    total = float(taken.sum())
    rows = [
        StepProfile(
            step=at,
            name=step.name,
            ops=step.ops,
            taken=float(taken[at]),
            share=float(taken[at]) / total if total else 0.0,
            macs=round(step.work * sum(op_macs(model, model.ops[op]) for op in step.ops)),
        )
        for at, step in enumerate(image.steps)
    ]
    return Profile(
        board=board.name,
        runtime=image.runtime,
        model=str(model.path),
        model_sha256=model.sha256,
        windows=windows,
        unit=unit,
        taken=float(whole.mean()) * (per_tick or 1e9 / board.ticks.per_second),
        steps_taken=total,
        macs=sum(row.macs for row in rows),
        steps=rows,
    )


def with_short_ticks(board: Board) -> Board:
    """The board, with ticks shorter than an instruction where it is emulated."""
    emulator = board.emulator
    if board.instructions_per_tick <= 1 or not isinstance(emulator, QemuEntry):
        return board
    arguments = [_SHORTER if each == _ONE_NS else each for each in emulator.arguments]
    return board.model_copy(
        update={"emulator": emulator.model_copy(update={"arguments": arguments})}
    )
