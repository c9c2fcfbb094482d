"""A model on a board, over many windows: its bytes against the oracle's, and what it takes."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.board.registry import Board
from firmware_tools.flash import backend_for
from firmware_tools.image.image import Image
from firmware_tools.link.link import Statistics
from firmware_tools.link.protocol import Identity, Kind
from firmware_tools.link.session import Session, open_session
from firmware_tools.runtimes.choice import build_image
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.oracle import Oracle, Values, recorded_answers, run_windows
from midfuse.core.progress import SILENT, Progress
from midfuse.core.tflite_file import TFLiteModel

# Reading every op's output back is slow; this many windows witness every op well.
PER_OP_WINDOWS = 20


@dataclass(frozen=True)
class Spread:
    """One figure over all windows."""

    mean: float
    min: float
    max: float


@dataclass(frozen=True)
class OpBytes:
    """One op's output tensor on the board, compared with the oracle's over `windows` windows."""

    op: int
    name: str
    tensor: str
    bytes: int
    differing_bytes: int


@dataclass(frozen=True)
class BoardRun:
    """What a board answered: outputs (window, *shape) in model order, and its own figures.

    `instructions_per_tick` is 0 where ticks are time.
    """

    outputs: list[Values]
    ticks: npt.NDArray[np.uint64]
    instructions_per_tick: float
    stack_bytes: int
    identity: Identity
    link: Statistics

    @property
    def instructions(self) -> Spread | None:
        """Of an inference; none where the board counts time."""
        per_tick = self.instructions_per_tick
        return spread(self.ticks * per_tick) if per_tick else None

    @property
    def nanoseconds(self) -> Spread:
        """Of an inference, by the board's clock; on an emulated one virtual time."""
        return spread(self.ticks / self.identity.ticks_per_second * 1e9)


@dataclass(frozen=True)
class Evaluation:
    """What `evaluation.json` holds.

    `instructions_per_inference` is null on a board that counts time; `nanoseconds_per_inference`
    is what the board's clock says, on an emulated one virtual time. RAM and flash are null on a
    board that is a process of this computer.
    """

    board: str
    runtime: str
    model: str
    model_sha256: str
    windows: int
    accuracy: float | None
    differing_bytes: int
    compared_with: str
    instructions_per_inference: Spread | None
    nanoseconds_per_inference: Spread
    ram_bytes: int | None
    stack_bytes: int | None
    flash_bytes: int | None
    arena_bytes: int
    seconds: dict[str, float]
    link: Statistics
    per_op: list[OpBytes] | None
    per_op_windows: int

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def evaluate_model(
    model: TFLiteModel,
    board: Board,
    inputs: Sequence[Values],
    out: Path,
    *,
    labels: npt.NDArray[Any] | None = None,
    per_op: bool = False,
    port: str | None = None,
    tflm: Path | None = None,
    progress: Progress = SILENT,
) -> tuple[Evaluation, list[Values]]:
    """Build into `out`, boot, run every window, compare with the oracle.

    `inputs` are of the model's types, (window, *shape), in its order; `labels` are class numbers,
    (window,).
    Returns the figures and the board's outputs. `per_op` compares every op's output too, with an
    observable build of its own, on the first windows. `tflm` is as in `build_image`.

    Raises:
        InputError: the model is not supported or does not fit the board; `per_op` with `port`.
        DeviceError: a tool is missing, or the board does not answer.
    """
    if port is None:
        backend_for(board).require()
    elif per_op:
        raise InputError(
            "--per-op: takes an image of its own, and --port a board that runs already",
            "leave one of them out",
        )
    started = time.monotonic()
    image = build_image(model, board, out, tflm=tflm, progress=progress)
    built = time.monotonic()
    with open_session(image, board, port) as session:
        run = run_on_board(session, model, inputs, progress)
    answered = time.monotonic()
    ram_bytes = ram_in_use(image, run)
    expected, compared_with = expected_outputs(model, list(inputs), progress)
    judged = time.monotonic()
    observed = None
    if per_op:
        observed = compare_ops(model, board, inputs, out / "observable", tflm, progress)
    evaluation = Evaluation(
        board=board.name,
        runtime=image.runtime,
        model=str(model.path),
        model_sha256=model.sha256,
        windows=len(inputs[0]),
        accuracy=None if labels is None else accuracy(run.outputs[0], labels),
        differing_bytes=sum(map(differing_bytes, run.outputs, expected)),
        compared_with=compared_with,
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


def run_on_board(
    session: Session,
    model: TFLiteModel,
    inputs: Sequence[Values],
    progress: Progress = SILENT,
) -> BoardRun:
    """Every window through a board that holds the model; arrays as in `evaluate_model`."""
    tensors = [model.tensors[index] for index in model.outputs]
    sizes = [tensor.bytes for tensor in tensors]
    windows = len(inputs[0])
    outputs = [np.empty((windows, *tensor.shape), tensor.dtype) for tensor in tensors]
    ticks = np.empty(windows, np.uint64)
    stack_bytes = 0
    with progress.task(f"windows on {session.identity.board}", windows) as task:
        for at in range(windows):
            answer = session.link.run_window([values[at].tobytes() for values in inputs], sizes)
            for kept, received in zip(outputs, answer.outputs, strict=True):
                kept[at] = np.frombuffer(received, kept.dtype).reshape(kept.shape[1:])
            ticks[at] = answer.ticks
            stack_bytes = max(stack_bytes, answer.stack_bytes)
            task.advance()
    return BoardRun(
        outputs,
        ticks,
        session.board.instructions_per_tick,
        stack_bytes,
        session.identity,
        session.link.statistics,
    )


def compare_ops(
    model: TFLiteModel,
    board: Board,
    inputs: Sequence[Values],
    out: Path,
    tflm: Path | None = None,
    progress: Progress = SILENT,
) -> list[OpBytes]:
    """Every op's output tensor in an observable build against the oracle's, in op order.

    Raises:
        DeviceError: as `evaluate_model`, or the oracle is not installed.
    """
    oracle = Oracle(model, observable=True)
    image = build_image(model, board, out, tflm=tflm, observable=True, progress=progress)
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
            made_by[tensor.tflite_index].index,
            made_by[tensor.tflite_index].name,
            tensor.name,
            tensor.bytes,
            count,
        )
        for tensor, count in zip(tensors, differing, strict=True)
    ]
    return sorted(rows, key=lambda row: row.op)


def differing_bytes(found: Values, expected: Values) -> int:
    """How many bytes differ between arrays of one type and size."""
    a, b = (np.frombuffer(values.tobytes(), np.uint8) for values in (found, expected))
    return int((a != b).sum())


def classes(output: Values) -> npt.NDArray[np.int64]:
    """Each window's class, (window,): where the output is largest, ties to the first.

    A model that ends in an ARG_MAX has done that itself: one int32 a window is the class.
    """
    flat = output.reshape(len(output), -1)
    if flat.dtype == np.int32 and flat.shape[1] == 1:
        return flat[:, 0].astype(np.int64)
    return flat.argmax(axis=1)


def accuracy(output: Values, labels: npt.NDArray[Any]) -> float:
    """Share of windows whose class is their label."""
    return float((classes(output) == labels).mean())


def expected_outputs(
    model: TFLiteModel, inputs: list[Values], progress: Progress = SILENT
) -> tuple[list[Values], str]:
    """The right answers and where they are from: TFLM, or the converter's record of it.

    Raises:
        DeviceError: TFLM is not installed, and no `expected.npz` lies beside the model.
        InputError: that file is of another model, or of other inputs.
    """
    try:
        return run_windows(model, inputs, progress), "tflite-micro"
    except DeviceError:
        recorded = model.path.with_name("expected.npz")
        if not recorded.is_file():
            raise
        return recorded_answers(recorded, model, inputs), recorded.name


def ram_in_use(image: Image, run: BoardRun) -> int | None:
    """.data + .bss (arena and scratch among them) + stack high-water mark, in bytes.

    Raises:
        DeviceError: the stack was used up, so nothing is known of what lies beside it.
    """
    if image.static_ram_bytes is None or image.stack_reserved_bytes is None:
        return None
    if run.stack_bytes >= image.stack_reserved_bytes:
        raise DeviceError(
            f"{image.board}: all {image.stack_reserved_bytes} bytes of stack were in use",
            "raise memory.stack_bytes in its board.toml",
        )
    return image.static_ram_bytes + run.stack_bytes


def spread(values: npt.NDArray[Any]) -> Spread:
    """Mean, smallest and largest."""
    return Spread(float(values.mean()), float(values.min()), float(values.max()))
