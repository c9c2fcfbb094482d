"""Models on boards, for Python: what `midfuse.build`, `.flash`, `.evaluate` and `.profile` are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.board.registry import Board, read_board
from firmware_tools.flash import programmer_for
from firmware_tools.flash.flow import flash_image
from firmware_tools.image.image import find_elf, read_image
from firmware_tools.measure.evaluate import evaluate_model
from firmware_tools.measure.inputs import match_inputs, match_labels
from firmware_tools.measure.profile import profile_model
from firmware_tools.measure.windows import draw_windows
from firmware_tools.runtimes.interface import Runtime, find_runtime
from midfuse.core.files import write_model, write_npz
from midfuse.core.oracle import Values, read_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.results import Evaluation, FlashResult, Image, Profile
from midfuse.core.tflite_file import TFLiteModel, read_tflite

# A model is the path of a .tflite; windows are an .npz, or its arrays.
ModelSource = Path | str
WindowSource = Path | str | Mapping[str, npt.NDArray[Any]]
# Steps take nearly the same for every window.
PROFILED_WINDOWS = 4
_ARRAYS = Path("inputs")


def build(
    model: ModelSource,
    board: str,
    out: Path | str | None = None,
    *,
    runtime: str | Runtime = "midfuse",
    observable: bool = False,
    report: bool = False,
    progress: Progress = SILENT,
) -> Image:
    """Build a quantised `.tflite` into firmware for a board.

    Args:
        model: a quantised `.tflite`.
        board: a board's name, as `midfuse boards` lists them.
        out: folder for the image; `runs/MODEL-BOARD` if left out.
        runtime: what carries out an inference, by name or made by `find_runtime`.
        observable: keep every op's output readable on the board.
        report: write `memory.html` too, which draws the arena over time.
        progress: is told what is being done.

    Raises:
        InputError: a model or board that cannot be used, or a model that does not fit.
        DeviceError: a compiler is missing or fails.
    """
    target = read_board(board)
    return _runtime(runtime).build(
        read_tflite(Path(model)),
        target,
        _folder(out, model, target),
        observable=observable,
        report=report,
        progress=progress,
    )


def flash(
    image: Path | str,
    board: str,
    *,
    port: str | None = None,
    probe: str | None = None,
    backend: str | None = None,
    runtime: str | Runtime = "midfuse",
    progress: Progress = SILENT,
) -> FlashResult:
    """Write an image into a real board's flash, verify it, reset the board and ask what it runs.

    Args:
        image: a `firmware.elf`, the folder that holds it, or a `.tflite` to build.
        board: the board's name.
        port: its serial port, over which it names the image; not asked if left out.
        probe: which debug probe or drive, where there are several.
        backend: how, by its name in board.toml; the first that is installed if left out.
        runtime: of a `.tflite` that is built; see `build`.
        progress: is told what is being done.

    Raises:
        InputError: an image that does not fit, or a back end that the board lacks.
        DeviceError: tool or board is missing, it is another chip, or the writing was interrupted.
        CheckFailed: the flash does not hold what was written.
        Interrupted: Ctrl-C while writing.
    """
    target = read_board(board)
    programmer = programmer_for(target, backend)
    programmer.require()
    built = image_of(image, board, runtime=runtime, progress=progress)
    return flash_image(built, target, programmer, probe=probe, port=port, progress=progress)


def image_of(
    image: Path | str,
    board: str,
    *,
    runtime: str | Runtime = "midfuse",
    progress: Progress = SILENT,
) -> Image:
    """The image that a path means, built if it is a model's; see `flash`.

    Raises:
        InputError, DeviceError: as `build`.
    """
    if Path(image).suffix == ".tflite":
        return build(image, board, runtime=runtime, progress=progress)
    return read_image(find_elf(Path(image)), read_board(board))


def evaluate(
    model: ModelSource,
    board: str,
    inputs: WindowSource,
    out: Path | str | None = None,
    *,
    labels: str | None = None,
    per_op: bool = False,
    port: str | None = None,
    runtime: str | Runtime = "midfuse",
    progress: Progress = SILENT,
) -> Evaluation:
    """Run every window through a model on a board, and compare the board's bytes.

    Args:
        model: a quantised `.tflite`.
        board: the board's name; it is booted in its emulator unless there is a `port`.
        inputs: an array a model input, keyed by tensor name, signature name or position; codes, or
            float to be quantised; first axis the window.
        out: folder for the image, `outputs.npz` and `evaluation.json`; `runs/MODEL-BOARD` if left
            out.
        labels: key of the class numbers in `inputs`; "labels", if it is there, if left out.
        per_op: compare every op's output too.
        port: serial port of a board that runs the model already.
        runtime: what carries out an inference; see `build`.
        progress: is told what is being done.

    Raises:
        InputError: a model, board or input that cannot be used.
        DeviceError: a tool is missing, or the board does not answer.
    """
    target, tflite = read_board(board), read_tflite(Path(model))
    arrays, where = _arrays(inputs)
    windows = match_inputs(arrays, tflite, where)
    key = labels or ("labels" if "labels" in arrays else None)
    classes = None if key is None else match_labels(arrays, key, len(windows[0]), where)
    folder = _folder(out, model, target)
    evaluation, outputs = evaluate_model(
        tflite,
        target,
        windows,
        folder,
        _runtime(runtime),
        labels=classes,
        per_op=per_op,
        port=port,
        progress=progress,
    )
    write_npz(folder / "outputs.npz", {f"output_{i}": x for i, x in enumerate(outputs)})
    write_model(folder / "evaluation.json", evaluation)
    return evaluation


def profile(
    model: ModelSource,
    board: str,
    inputs: WindowSource | None = None,
    out: Path | str | None = None,
    *,
    port: str | None = None,
    runtime: str | Runtime = "midfuse",
    progress: Progress = SILENT,
) -> Profile:
    """Time every step of a model's inference on a board, and write `profile.json`.

    Args:
        model: a quantised `.tflite`.
        board: the board's name.
        inputs: as `evaluate` takes them; a few windows are drawn if left out.
        out: folder for the image and `profile.json`; `runs/MODEL-BOARD` if left out.
        port: serial port of a board that runs the model already.
        runtime: what carries out an inference; see `build`.
        progress: is told what is being done.

    Raises:
        InputError: a model, board or input that cannot be used.
        DeviceError: a tool is missing, or the board does not answer.
    """
    target, tflite = read_board(board), read_tflite(Path(model))
    folder = _folder(out, model, target)
    found = profile_model(
        tflite, target, _windows(inputs, tflite), folder, _runtime(runtime),
        port=port, progress=progress,
    )  # fmt: skip
    write_model(folder / "profile.json", found)
    return found


def default_out(model: ModelSource, board: str) -> Path:
    """Where a model's image for a board goes."""
    return Path("runs") / f"{Path(model).stem}-{board}"


def _folder(out: Path | str | None, model: ModelSource, board: Board) -> Path:
    return default_out(model, board.name) if out is None else Path(out)


def _runtime(runtime: str | Runtime) -> Runtime:
    return find_runtime(runtime) if isinstance(runtime, str) else runtime


def _windows(inputs: WindowSource | None, model: TFLiteModel) -> list[Values]:
    if inputs is None:
        return draw_windows(model, PROFILED_WINDOWS)
    arrays, where = _arrays(inputs)
    return match_inputs(arrays, model, where)


def _arrays(inputs: WindowSource) -> tuple[Mapping[str, npt.NDArray[Any]], Path]:
    """The arrays, and what errors call them."""
    if isinstance(inputs, Mapping):
        return {name: np.asarray(values) for name, values in inputs.items()}, _ARRAYS
    return read_npz(Path(inputs)), Path(inputs)
