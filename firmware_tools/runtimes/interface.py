"""What carries out an inference on a board: our own runtime, TFLM, or one from another package."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from os import environ
from pathlib import Path
from typing import Protocol

from firmware_tools.board.registry import Board
from midfuse.core.errors import DeviceError, InputError
from midfuse.core.oracle import Values, recorded_answers, run_windows
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image
from midfuse.core.tflite_file import TFLiteModel

# Each entry is a function of one argument: the folder where the runtime lies, or None.
GROUP = "midfuse.runtimes"


@dataclass(frozen=True)
class Expected:
    """The right answers, where they are from, and how exact a board's have to be.

    `outputs` are (window, *shape) in model order. `tolerance` is the most by which an output value
    may differ, in the output's own type: 0 asks for the same bytes.
    """

    outputs: list[Values]
    compared_with: str
    tolerance: float = 0.0


class Runtime(Protocol):
    """What carries out an inference. A package offers one by an entry point of `GROUP`."""

    name: str

    def require(self, board: Board) -> None:
        """Raise a DeviceError unless all tools are there that build for the board."""

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
        """Build a model for a board into the folder `out`.

        `observable` keeps every op's output readable on the board; `report` writes
        `out/memory.html` too, even for a model that does not fit.

        Raises:
            InputError: a model that is not supported or does not fit the board, or a report of a
                runtime that has none.
            DeviceError: a tool is missing or fails.
        """

    def expected(
        self, model: TFLiteModel, inputs: Sequence[Values], progress: Progress = SILENT
    ) -> Expected:
        """What a board has to answer to `inputs`, (window, *shape) in model order.

        Raises:
            DeviceError: what tells the right answers is not installed.
            InputError: the answers that are at hand are of another model, or of other inputs.
        """


def find_runtime(name: str, folder: Path | None = None) -> Runtime:
    """The runtime of that name; `folder` is where it lies, if it does not come with its package.

    Left out, the environment names the folder: MIDFUSE_ and the name in capitals.

    Raises:
        InputError: no such runtime, or none in the folder.
    """
    found = {entry.name: entry for entry in entry_points(group=GROUP)}
    if name not in found:
        raise InputError(f"`runtime` {name}: unknown", f"known: {', '.join(sorted(found))}")
    if folder is None:
        named = environ.get(f"MIDFUSE_{name.upper().replace('-', '_')}")
        folder = Path(named) if named else None
    runtime: Runtime = found[name].load()(folder)
    return runtime


def tflm_answers(
    model: TFLiteModel, inputs: Sequence[Values], progress: Progress = SILENT
) -> Expected:
    """What TFLM answers on the host, or the converter's record of it.

    Raises:
        DeviceError: TFLM is not installed, and no `expected.npz` lies beside the model.
        InputError: that file is of another model, or of other inputs.
    """
    windows = list(inputs)
    try:
        return Expected(run_windows(model, windows, progress), "tflite-micro")
    except DeviceError:
        recorded = model.path.with_name("expected.npz")
        if not recorded.is_file():
            raise
        return Expected(recorded_answers(recorded, model, windows), recorded.name)
