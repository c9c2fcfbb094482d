"""A board for tests: load a model, run windows, assert accuracy and bytes."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.board.registry import Board
from firmware_tools.emulate.boot import open_session
from firmware_tools.flash import programmer_for
from firmware_tools.flash.flow import flash_image
from firmware_tools.image.image import find_elf, read_image
from firmware_tools.link.session import Session
from firmware_tools.measure.board_run import BoardRun, ram_in_use, run_on_board
from firmware_tools.measure.compare import differing_bytes, largest_difference
from firmware_tools.measure.inputs import match_inputs, match_labels
from firmware_tools.runtimes.interface import Expected, Runtime
from midfuse.core.errors import DeviceError, MidfuseError
from midfuse.core.oracle import Values
from midfuse.core.results import Image
from midfuse.core.scores import Accuracy, classes
from midfuse.core.tflite_file import TFLiteModel, read_tflite

Inputs = Mapping[str, npt.NDArray[Any]] | Sequence[npt.NDArray[Any]] | npt.NDArray[Any]

# Takes a figure's name and the figure.
Record = Callable[[str, object], None]

# Stands in errors where a command names the file.
_ARRAYS = Path("the test's arrays")


class LoadedModel:
    """A model on a board.

    Inputs are one array, a sequence in model order, or a mapping by tensor name, signature name
    or position; of the input's type, or float to be quantised; first axis the window.
    """

    def __init__(
        self, model: TFLiteModel, image: Image, session: Session, runtime: Runtime, record: Record
    ) -> None:
        self.model = model
        self._runtime = runtime
        self.image = image
        self.session = session
        self._record = record

    def run(self, inputs: Inputs) -> list[Values]:
        """The outputs in model order and type: (window, *shape)."""
        return self._run(self._match(inputs)).outputs

    def predict(self, inputs: Inputs) -> npt.NDArray[np.int64]:
        """The class of each window, by the first output."""
        return classes(self.run(inputs)[0])

    def assert_accuracy(
        self, inputs: Inputs, labels: npt.ArrayLike, *, at_least: float
    ) -> Accuracy:
        """Fail the test where fewer than this share of the windows is classified right.

        `labels` are class numbers, (window,). The share itself is judged, not its interval: the
        board computes the same bytes every time, so that over the same windows the verdict
        changes with the model alone. The interval, in the message and in what is returned, says
        how far the share holds for windows that were not tried; to demand that, assert
        `.interval[0]`.
        """
        __tracebackhide__ = True
        windows = self._match(inputs)
        arrays = {"labels": np.asarray(labels)}
        wanted = match_labels(arrays, "labels", len(windows[0]), _ARRAYS)
        run = self._run(windows)
        # Not every machine has something to compare with; the accuracy needs none.
        with suppress(MidfuseError):
            self._compare(windows, run)
        found = Accuracy(int((classes(run.outputs[0]) == wanted).sum()), len(wanted))
        low, high = found.interval
        self._record("midfuse_accuracy_low", low)
        self._record("midfuse_accuracy_high", high)
        self._record("midfuse_accuracy", found.share)
        assert found.share >= at_least, (
            f"accuracy on {self.session.identity.board} is {found}, wanted at least {at_least}"
        )
        return found

    def assert_same_bytes(self, inputs: Inputs) -> None:
        """Fail the test where an output byte differs from TensorFlow Lite Micro's.

        Raises:
            DeviceError: TFLM is not installed, and no `expected.npz` lies beside the model.
        """
        __tracebackhide__ = True
        windows = self._match(inputs)
        run = self._run(windows)
        count, most, expected = self._compare(windows, run)
        assert (most if expected.tolerance else count) <= expected.tolerance, (
            f"{count} of {sum(values.nbytes for values in run.outputs)} output bytes on"
            f" {self.session.identity.board} differ from {expected.compared_with};"
            " midfuse.evaluate(…, per_op=True) shows the first op that differs"
        )

    def _match(self, inputs: Inputs) -> list[Values]:
        if isinstance(inputs, np.ndarray):
            inputs = [inputs]
        if not isinstance(inputs, Mapping):
            inputs = {str(i): values for i, values in enumerate(inputs)}
        return match_inputs(inputs, self.model, _ARRAYS)

    def _run(self, windows: list[Values]) -> BoardRun:
        run = run_on_board(self.session, self.model, windows)
        self._record("midfuse_windows", len(windows[0]))
        if run.instructions is not None:
            self._record("midfuse_instructions_per_inference", run.instructions.mean)
        else:
            self._record("midfuse_nanoseconds_per_inference", run.nanoseconds.mean)
        ram_bytes = ram_in_use(self.image, run)
        if ram_bytes is not None:
            self._record("midfuse_ram_bytes", ram_bytes)
        return run

    def _compare(self, windows: list[Values], run: BoardRun) -> tuple[int, float, Expected]:
        """Differing bytes, the largest difference of a value, and what they differ from."""
        expected = self._runtime.expected(self.model, windows)
        count = sum(map(differing_bytes, run.outputs, expected.outputs))
        self._record("midfuse_differing_bytes", count)
        return count, max(map(largest_difference, run.outputs, expected.outputs)), expected


class BoardUnderTest:
    """A board that a test puts models on; everything it started ends with its `with` block.

    `images` keeps what was built, so that a model is compiled once for many tests. `port` is that
    of a board that runs already: it is written, through `probe` where there are several, when the
    model is not the one on it.
    """

    def __init__(
        self,
        board: Board,
        images: Path,
        record: Record,
        *,
        port: str | None = None,
        probe: str | None = None,
        runtime: Runtime,
    ) -> None:
        self.board = board
        self._images = images
        self._record = record
        self._port = port
        self._probe = probe
        self._runtime = runtime
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
        """Put a `.tflite` on the board; it takes the place of the model before.

        Raises:
            InputError: the model is not supported or does not fit the board.
            DeviceError: a tool is missing, the board does not answer, or another model is on it
                and nothing of its board.toml flashes it.
            CheckFailed: its flash does not hold what was written.
        """
        self._stack.close()
        model = read_tflite(Path(path))
        image = self._image(model)
        session = self._boot(image)
        self._record("midfuse_board", self.board.name)
        self._record("midfuse_runtime", image.runtime)
        self._record("midfuse_model_sha256", model.sha256)
        if image.flash_bytes is not None:
            self._record("midfuse_flash_bytes", image.flash_bytes)
        return LoadedModel(model, image, session, self._runtime, self._record)

    def _boot(self, image: Image) -> Session:
        try:
            return self._stack.enter_context(open_session(image, self.board, self._port))
        except DeviceError:
            if self._port is None or not self.board.flash:
                raise
        # Another image is on the board, or none that answers.
        programmer = programmer_for(self.board)
        flash_image(image, self.board, programmer, probe=self._probe, port=self._port)
        return self._stack.enter_context(open_session(image, self.board, self._port))

    def _image(self, model: TFLiteModel) -> Image:
        folder = self._images / f"{self.board.name}-{model.sha256}"
        elf = find_elf(folder)
        if elf.is_file():
            return read_image(elf, self.board)
        return self._runtime.build(model, self.board, folder)
