"""A board's bytes beside the right ones."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.board.registry import Board
from firmware_tools.emulate.boot import open_session
from firmware_tools.link.protocol import Kind
from firmware_tools.runtimes.interface import Runtime
from midfuse.core.oracle import Oracle, Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import OpBytes
from midfuse.core.scores import classes
from midfuse.core.tflite_file import TFLiteModel

# Reading every op's output back is slow; this many windows witness every op well.
PER_OP_WINDOWS = 20


def compare_ops(
    model: TFLiteModel,
    board: Board,
    inputs: Sequence[Values],
    out: Path,
    runtime: Runtime,
    progress: Progress = SILENT,
) -> list[OpBytes]:
    """Every op's output tensor in an observable build against the oracle's, in op order.

    Raises:
        DeviceError: as `evaluate_model`, or the oracle is not installed.
    """
    oracle = Oracle(model, observable=True)
    image = runtime.build(model, board, out, observable=True, progress=progress)
    made_by = {index: op for op in model.ops for index in op.outputs}
    windows = min(PER_OP_WINDOWS, len(inputs[0]))
    output_bytes = [model.tensors[index].bytes for index in model.outputs]
    with open_session(image, board) as session:
        tensors = session.link.tensors(Kind.TENSOR, session.identity.tensors)
        differing = [0] * len(tensors)
        with progress.task("every op's output", windows) as task:
            for at in range(windows):
                window = [values[at] for values in inputs]
                oracle.run(window)
                answer = session.link.run_window(
                    [values.tobytes() for values in window],
                    output_bytes,
                    [tensor.bytes for tensor in tensors],
                )
                for i, (tensor, received) in enumerate(zip(tensors, answer.tensors, strict=True)):
                    expected = oracle.tensor(tensor.tflite_index)
                    found = np.frombuffer(received, expected.dtype)
                    differing[i] += differing_bytes(found, expected)
                task.advance()
    rows = [
        OpBytes(
            op=made_by[tensor.tflite_index].index,
            name=made_by[tensor.tflite_index].name,
            tensor=tensor.name,
            bytes=tensor.bytes,
            differing_bytes=count,
        )
        for tensor, count in zip(tensors, differing, strict=True)
    ]
    return sorted(rows, key=lambda row: row.op)


def differing_bytes(found: Values, expected: Values) -> int:
    """How many bytes differ between arrays of one type and size."""
    a, b = (np.frombuffer(values.tobytes(), np.uint8) for values in (found, expected))
    return int((a != b).sum())


def largest_difference(found: Values, expected: Values) -> float:
    """Of two arrays of one shape, the most by which a value differs; NaN differs from all else."""
    if found.tobytes() == expected.tobytes():
        return 0.0
    difference = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    return float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0))


def accuracy(output: Values, labels: npt.NDArray[Any]) -> float:
    """Share of windows whose class is their label."""
    return float((classes(output) == labels).mean())
