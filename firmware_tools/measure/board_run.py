"""A model's windows through a board: what it answered, and what that took."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.link.protocol import Identity
from firmware_tools.link.session import Session
from midfuse.core.errors import DeviceError
from midfuse.core.oracle import Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image, LinkStatistics, Spread
from midfuse.core.tflite_file import TFLiteModel


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
    link: LinkStatistics

    @property
    def instructions(self) -> Spread | None:
        """Of an inference; none where the board counts time."""
        per_tick = self.instructions_per_tick
        return spread(self.ticks * per_tick) if per_tick else None

    @property
    def nanoseconds(self) -> Spread:
        """Of an inference, by the board's clock; on an emulated one virtual time."""
        return spread(self.ticks / self.identity.ticks_per_second * 1e9)


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
    return Spread(mean=float(values.mean()), min=float(values.min()), max=float(values.max()))
