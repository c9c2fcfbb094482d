"""The oracle: the TensorFlow Lite Micro interpreter, whose bytes are the right ones.

Where its wheel does not exist (it is for x86-64 Linux), `expected.npz` stands in: inputs and
outputs recorded by the converter, keyed by the model's SHA-256.
"""

import lzma
import struct
import tokenize
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile, ZipFile

import numpy as np
import numpy.typing as npt

from midfuse.core.errors import DeviceError, InputError
from midfuse.core.files import write_npz
from midfuse.core.progress import SILENT, Progress
from midfuse.core.tflite_file import TFLiteModel

# A tensor's values, in its own type.
Values = npt.NDArray[Any]

# Ten thousand windows of any model that a microcontroller holds; a hostile file is stopped by it.
_MAX_NPZ_BYTES = 256 << 20

# What zipfile, its decompressors and numpy's header parser raise on damaged or hostile files.
_DAMAGED = (
    OSError,
    ValueError,
    EOFError,
    BadZipFile,
    AttributeError,
    LookupError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,
    TypeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
    tokenize.TokenError,
)


class Oracle:
    """TFLM on the host for one model; `observable` keeps every tensor readable after a run.

    Raises:
        DeviceError: the `tflite-micro` package is not installed.
        InputError: TFLM refuses the model.
    """

    def __init__(self, model: TFLiteModel, *, observable: bool = False) -> None:
        try:
            from tflite_micro.python.tflite_micro import runtime
        except ImportError:
            raise DeviceError(
                "the TFLM interpreter (package tflite-micro) is not installed",
                "install it on x86-64 Linux, or compare against expected.npz",
            ) from None
        self._model = model
        config = runtime.InterpreterConfig
        activations = sum(4 * t.elements for t in model.tensors if t.data is None)
        try:
            self._interpreter = runtime.Interpreter.from_bytes(
                model.content,
                arena_size=len(model.content) + activations + (1 << 20),
                intrepreter_config=(
                    config.kPreserveAllTensors if observable else config.kAllocationRecording
                ),
            )
        except RuntimeError as error:
            raise InputError(
                f"{model.path}: TFLM refuses it ({error})",
                "use only the ops, types and scales of docs/ops.md",
            ) from None

    def run(self, inputs: list[Values]) -> list[Values]:
        """One inference: the inputs in model order, the outputs in model order."""
        for position, (index, values) in enumerate(zip(self._model.inputs, inputs, strict=True)):
            shape = self._model.tensors[index].shape
            self._interpreter.set_input(np.ascontiguousarray(values).reshape(shape), position)
        self._interpreter.invoke()
        return [self._interpreter.get_output(i) for i in range(len(self._model.outputs))]

    def tensor(self, index: int) -> npt.NDArray[Any]:
        """The value of any tensor after `run`; only of an observable oracle."""
        value: npt.NDArray[Any] = self._interpreter.GetTensor(index, 0)["tensor_data"]
        return value


def run_windows(
    model: TFLiteModel, inputs: list[Values], progress: Progress = SILENT
) -> list[Values]:
    """The oracle's outputs for many windows: first axis of every array the window."""
    oracle = Oracle(model)
    windows = len(inputs[0])
    outputs: list[list[Values]] = []
    with progress.task("TFLM on the host", windows) as task:
        for at in range(windows):
            outputs.append(oracle.run([values[at] for values in inputs]))
            task.advance()
    return [
        np.stack([row[i] for row in outputs]).reshape(windows, *model.tensors[index].shape)
        for i, index in enumerate(model.outputs)
    ]


def write_expected(
    path: Path,
    model: TFLiteModel,
    inputs: list[Values],
    outputs: list[Values],
    labels: npt.NDArray[np.int64] | None = None,
) -> None:
    """Record the oracle's answers, in a form that `midfuse evaluate` takes as inputs.

    Keys: `sha256`; the inputs by position, `0`, `1`, …; the outputs, `output_0`, …; `labels` where
    known. First axis of every array: the window.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"sha256": np.array(model.sha256)}
    arrays |= {str(i): values for i, values in enumerate(inputs)}
    arrays |= {f"output_{i}": values for i, values in enumerate(outputs)}
    if labels is not None:
        arrays["labels"] = labels
    write_npz(path, arrays)


def read_npz(path: Path, most_bytes: int = _MAX_NPZ_BYTES) -> Mapping[str, npt.NDArray[Any]]:
    """Read an `.npz` without ever unpickling.

    Raises:
        InputError: no such file, not an .npz, damaged, an array of Python objects, or more than
            `most_bytes` of values.
    """
    if not path.is_file():
        what = "not a usable .npz (no file)" if path.exists() else "no such file"
        raise InputError(f"{path}: {what}", "name an .npz file")
    try:
        with path.open("rb") as file:
            return npz_arrays(file, str(path), most_bytes)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "name another") from None


def npz_arrays(
    file: IO[bytes], where: str, most_bytes: int = _MAX_NPZ_BYTES
) -> Mapping[str, npt.NDArray[Any]]:
    """The same of an open file, which messages call `where`."""
    try:
        with ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > most_bytes:
            raise InputError(
                f"{where}: holds {size >> 20} MiB; at most {most_bytes >> 20} are read",
                "take fewer windows",
            )
        file.seek(0)
        with np.load(file, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except _DAMAGED as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{where}: not a usable .npz ({reason})", "write it with numpy.savez, numbers only"
        ) from None


def recorded_answers(path: Path, model: TFLiteModel, inputs: list[Values]) -> list[Values]:
    """The recorded outputs for exactly these inputs.

    Raises:
        InputError: recorded for another model, or not for these inputs.
    """
    arrays = read_npz(path)
    if str(arrays.get("sha256")) != model.sha256:
        raise InputError(f"{path}: sha256 is not that of {model.path}", "convert the model again")
    same = all(str(i) in arrays and np.array_equal(arrays[str(i)], x) for i, x in enumerate(inputs))
    if not same:
        raise InputError(
            f"{path}: holds other inputs than those given", f"evaluate with `inputs` {path}"
        )
    return [arrays[f"output_{i}"] for i in range(len(model.outputs))]
