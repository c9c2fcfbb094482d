"""TensorFlow Lite Micro behind the interface of all runtimes."""

from collections.abc import Sequence
from pathlib import Path

from firmware_tools.board.registry import Board
from firmware_tools.board.toolchain import require_toolchain
from firmware_tools.runtimes.interface import Expected, tflm_answers
from firmware_tools.runtimes.tflm.build import build_tflm
from firmware_tools.runtimes.tflm.library import Library, find_library, fitting_libraries
from midfuse.core.errors import InputError
from midfuse.core.oracle import Values
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Image
from midfuse.core.tflite_file import TFLiteModel


class Tflm:
    """TFLM from a folder, the library in it that is built for the board's core, or from one
    `library`.
    """

    name = "tflm"

    def __init__(self, folder: Path, library: Library | None = None) -> None:
        self._folder = folder
        self._library = library
        if library is not None:
            self.name = library.runtime

    def require(self, board: Board) -> None:
        """See `Runtime.require`."""
        require_toolchain(board)
        self._library_for(board)

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
        """See `Runtime.build`, and `build_tflm`."""
        if report:
            raise InputError(
                "`report` works only with the midfuse runtime", "choose the midfuse `runtime`"
            )
        library = self._library_for(board)
        return build_tflm(model, board, library, out, observable=observable, progress=progress)

    def expected(
        self, model: TFLiteModel, inputs: Sequence[Values], progress: Progress = SILENT
    ) -> Expected:
        """The bytes of TFLM on the host; see `Runtime.expected`."""
        return tflm_answers(model, inputs, progress)

    def _library_for(self, board: Board) -> Library:
        return self._library or find_library(self._folder, board)


def create(folder: Path | None) -> Tflm:
    """The entry point.

    Raises:
        InputError: no folder is named.
    """
    if folder is None:
        raise InputError(
            "`runtime` tflm: no folder",
            "name a checkout of tflite-micro with its library built as `tflm` (docs/tflm.md)",
        )
    return Tflm(folder)


def every_tflm(folder: Path, board: Board) -> list[Tflm]:
    """A runtime for each library in the folder that is built for the board's core.

    Raises:
        InputError: no checkout, or two libraries of one kind.
        DeviceError: the board's compiler is missing.
    """
    found: dict[str, Library] = {}
    for library in fitting_libraries(folder, board):
        if library.runtime in found:
            raise InputError(
                f"{folder}: two libraries of {library.runtime} are for {board.name}"
                f" ({found[library.runtime].archive} and {library.archive})",
                "remove one, or name the folder of the other as `tflm`",
            )
        found[library.runtime] = library
    return [Tflm(folder, library) for library in found.values()]
