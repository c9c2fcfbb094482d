"""A board for tests: load a model, run windows, assert accuracy."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.board import Board
from firmware_tools.build import build_firmware
from firmware_tools.evaluate import classes, run_on_board
from firmware_tools.inputs import match_inputs
from firmware_tools.session import Session, open_session
from midfuse.oracle import Values
from midfuse.tflite_file import TFLiteModel, read_tflite

Inputs = Mapping[str, npt.NDArray[Any]] | Sequence[npt.NDArray[Any]] | npt.NDArray[Any]


class LoadedModel:
    """A model on a board.

    Inputs are one array, a sequence in model order, or a mapping by tensor name, signature name
    or position; of the input's type, or float to be quantised; first axis the window.
    """

    def __init__(self, model: TFLiteModel, session: Session) -> None:
        self.model = model
        self.session = session

    def run(self, inputs: Inputs) -> list[Values]:
        """The outputs in model order and type: (window, *shape)."""
        if isinstance(inputs, np.ndarray):
            inputs = [inputs]
        if not isinstance(inputs, Mapping):
            inputs = {str(i): values for i, values in enumerate(inputs)}
        matched = match_inputs(inputs, self.model, self.model.path)
        return run_on_board(self.session, self.model, matched).outputs

    def predict(self, inputs: Inputs) -> npt.NDArray[np.int64]:
        """The class of each window, by the first output."""
        return classes(self.run(inputs)[0])

    def assert_accuracy(self, inputs: Inputs, labels: npt.ArrayLike, *, at_least: float) -> float:
        """Fail the test where fewer than this share of windows is classified right."""
        wanted = np.asarray(labels)
        found = self.predict(inputs)
        assert wanted.shape == found.shape, f"{wanted.shape} labels for {len(found)} windows"
        right = int((found == wanted).sum())
        reached = right / len(found)
        assert reached >= at_least, (
            f"accuracy on {self.session.identity.board} is {reached:.4f}"
            f" ({right} of {len(found)} windows), wanted at least {at_least}"
        )
        return reached


class BoardUnderTest:
    """A board that a test puts models on; everything it started ends with its `with` block."""

    def __init__(self, board: Board, out: Path) -> None:
        self.board = board
        self._out = out
        self._stack = ExitStack()

    def __enter__(self) -> "BoardUnderTest":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def load(self, path: str | Path) -> LoadedModel:
        """Build a `.tflite` for the board and boot it; takes the place of the model before."""
        self._stack.close()
        model = read_tflite(Path(path))
        image = build_firmware(model, self.board, self._out / "firmware")
        return LoadedModel(model, self._stack.enter_context(open_session(image, self.board)))
