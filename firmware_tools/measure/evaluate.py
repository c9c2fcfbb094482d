"""A model on a board, over many windows: its bytes against the right ones, and what it takes."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from firmware_tools.board.registry import Board
from firmware_tools.emulate.boot import emulator_for, open_session
from firmware_tools.measure.board_run import ram_in_use, run_on_board
from firmware_tools.measure.compare import (
    PER_OP_WINDOWS,
    accuracy,
    compare_ops,
    differing_bytes,
    largest_difference,
)
from firmware_tools.runtimes.interface import Runtime
from midfuse.core.errors import InputError
from midfuse.core.oracle import Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Evaluation
from midfuse.core.tflite_file import TFLiteModel


def evaluate_model(
    model: TFLiteModel,
    board: Board,
    inputs: Sequence[Values],
    out: Path,
    runtime: Runtime,
    *,
    labels: npt.NDArray[Any] | None = None,
    per_op: bool = False,
    port: str | None = None,
    progress: Progress = SILENT,
) -> tuple[Evaluation, list[Values]]:
    """Build into `out`, boot, run every window, compare with what the runtime has to answer.

    `inputs` are of the model's types, (window, *shape), in its order; `labels` are class numbers,
    (window,).
    Returns the figures and the board's outputs. `per_op` compares every op's output too, with an
    observable build of its own, on the first windows.

    Raises:
        InputError: the model is not supported or does not fit the board; `per_op` with `port`.
        DeviceError: a tool is missing, or the board does not answer.
    """
    if port is None:
        emulator_for(board).require()
    elif per_op:
        raise InputError(
            "`per_op` builds its own image, so it cannot be combined with `port`",
            "leave one of them out",
        )
    started = time.monotonic()
    image = runtime.build(model, board, out, progress=progress)
    built = time.monotonic()
    with open_session(image, board, port) as session:
        run = run_on_board(session, model, inputs, progress)
    answered = time.monotonic()
    ram_bytes = ram_in_use(image, run)
    expected = runtime.expected(model, inputs, progress)
    judged = time.monotonic()
    observed = None
    if per_op:
        observed = compare_ops(model, board, inputs, out / "observable", runtime, progress)
    evaluation = Evaluation(
        board=board.name,
        runtime=image.runtime,
        model=str(model.path),
        model_sha256=model.sha256,
        windows=len(inputs[0]),
        accuracy=None if labels is None else accuracy(run.outputs[0], labels),
        differing_bytes=sum(map(differing_bytes, run.outputs, expected.outputs)),
        largest_difference=max(map(largest_difference, run.outputs, expected.outputs)),
        tolerance=expected.tolerance,
        compared_with=expected.compared_with,
        instructions_per_inference=run.instructions,
        nanoseconds_per_inference=run.nanoseconds,
        ram_bytes=ram_bytes,
        stack_bytes=run.stack_bytes or None,
        flash_bytes=image.flash_bytes,
        arena_bytes=image.arena_bytes,
        seconds={
            "build": round(built - started, 2),
            "board": round(answered - built, 2),
            "oracle": round(judged - answered, 2),
        },
        link=run.link,
        per_op=observed,
        per_op_windows=min(PER_OP_WINDOWS, len(inputs[0])) if per_op else 0,
    )
    return evaluation, run.outputs
