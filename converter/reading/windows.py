"""Sensor windows for calibration and test: arrays keyed by input name, first axis the window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.core.errors import InputError
from midfuse.core.oracle import read_npz

FloatArray = npt.NDArray[np.float32]


# What the model says of one axis: its size, or where it is open its name or nothing.
Axis = int | str | None

MAX_AXES = 4


@dataclass(frozen=True)
class InputSpec:
    """One input of the float model: its name and its shape, a batch axis included if it has one.

    Windows settle what is open: an axis that is a name (the same name, the same size) or None,
    and a `shape` of None, that of a module, which takes a batch and says nothing beforehand.
    """

    name: str
    shape: tuple[Axis, ...] | None = None

    @property
    def batched(self) -> bool:
        """Whether the first axis is a batch, on which windows may lie side by side."""
        return self.shape is None or not isinstance(self.shape[0], int) or self.shape[0] == 1

    def __str__(self) -> str:
        axes = () if self.shape is None else self.shape[1:] if self.batched else self.shape
        return f"({', '.join(['N', *('?' if axis is None else str(axis) for axis in axes)])})"


@dataclass(frozen=True)
class Windows:
    """`inputs` in model order, each (N, *shape of the input); `labels` (N,) where known."""

    inputs: list[FloatArray]
    labels: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def window(self, at: int) -> list[FloatArray]:
        """One window, an array of exactly the input's shape for every input."""
        return [values[at] for values in self.inputs]

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Windows":
        """The windows that a mask (N,) chooses."""
        labels = None if self.labels is None else self.labels[chosen]
        return Windows([values[chosen] for values in self.inputs], labels)

    def spread(self, count: int) -> "Windows":
        """At most `count` windows, evenly spaced, so that they do not all come from one person."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).astype(int)
        labels = None if self.labels is None else self.labels[chosen]
        return Windows([values[chosen] for values in self.inputs], labels)


def read_windows(
    source: Path | str | Mapping[str, npt.NDArray[Any]], specs: Sequence[InputSpec]
) -> Windows:
    """Check an `.npz` file, or arrays already in memory, against the model's inputs.

    An array is (N, *shape of the input), or for an input with a batch axis (N, *rest of its shape).

    Raises:
        InputError: a missing input, no windows, another shape or type, NaN or infinity, or one
            value throughout; names the file and the array.
    """
    arrays = read_npz(Path(source)) if isinstance(source, Path | str) else source
    where = name_of(source)
    inputs = [_input(arrays, spec, where) for spec in specs]
    counts = {spec.name: len(values) for spec, values in zip(specs, inputs, strict=True)}
    if len(set(counts.values())) != 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(
            f"{where}: inputs have different numbers of windows ({listed})",
            "give every input the same windows in the same order",
        )
    _check_open_axes(specs, inputs, where)
    return Windows(inputs, _labels(arrays, len(inputs[0]), where))


def name_of(source: Path | str | Mapping[str, npt.NDArray[Any]]) -> str:
    """What to call windows in errors: their file."""
    return str(source) if isinstance(source, Path | str) else "arrays given"


def settled(specs: Sequence[InputSpec], windows: Windows) -> list[InputSpec]:
    """The inputs with the shapes that these windows have."""
    shapes = [values.shape for values in windows.window(0)]
    return [InputSpec(spec.name, shape) for spec, shape in zip(specs, shapes, strict=True)]


def _input(arrays: Mapping[str, npt.NDArray[Any]], spec: InputSpec, where: str) -> FloatArray:
    if spec.name not in arrays:
        raise InputError(
            f"{where}: input {spec.name} is missing (it holds {', '.join(arrays) or 'nothing'})",
            f"save an array named {spec.name}, one window a row",
        )
    values = arrays[spec.name]
    if values.dtype != np.float32:
        raise InputError(
            f"{where}: {spec.name} is {values.dtype}, not float32", "save it as float32"
        )
    if values.size == 0:
        raise InputError(
            f"{where}: {spec.name} has the shape {values.shape}: no windows",
            "save at least one window a row",
        )
    windows = _one_window_a_row(values, spec)
    if windows is None:
        raise InputError(
            f"{where}: {spec.name} has the shape {values.shape}, the model takes {spec}",
            "cut the windows as the model takes them, N of them along the first axis",
        )
    if not np.isfinite(values).all():
        window = int(np.argwhere(~np.isfinite(values))[0][0])
        raise InputError(
            f"{where}: {spec.name} holds NaN or infinity (first in window {window})",
            "leave such windows out",
        )
    if values.size > 1 and values.min() == values.max():
        raise InputError(
            f"{where}: {spec.name} is {values.flat[0]:g} throughout",
            "record windows in which the sensor measures something",
        )
    return windows


def _one_window_a_row(values: FloatArray, spec: InputSpec) -> FloatArray | None:
    """(N, *shape of the input), or None where the array is not windows of that input."""
    shape = (1, *values.shape[1:]) if spec.shape is None else spec.shape
    if values.ndim == len(shape) and spec.batched:
        values = values[:, np.newaxis]
    taken = values.shape[1:]
    fits = len(taken) == len(shape) <= MAX_AXES and all(
        size == axis for size, axis in zip(taken, shape, strict=True) if isinstance(axis, int)
    )
    return np.ascontiguousarray(values) if fits else None


def _check_open_axes(specs: Sequence[InputSpec], inputs: list[FloatArray], where: str) -> None:
    """Axes of one name are of one size."""
    known: dict[str, tuple[str, int]] = {}
    for spec, values in zip(specs, inputs, strict=True):
        for axis, size in zip(spec.shape or (), values.shape[1:], strict=False):
            if not isinstance(axis, str):
                continue
            other, other_size = known.setdefault(axis, (spec.name, size))
            if size != other_size:
                raise InputError(
                    f"{where}: axis {axis!r} of the model is {other_size} in {other} and {size} in"
                    f" {spec.name}",
                    "cut windows of one length",
                )


def _labels(
    arrays: Mapping[str, npt.NDArray[Any]], windows: int, where: str
) -> npt.NDArray[np.int64] | None:
    if "labels" not in arrays:
        return None
    labels = arrays["labels"]
    if labels.shape != (windows,) or not np.issubdtype(labels.dtype, np.integer):
        raise InputError(
            f"{where}: labels has the shape {labels.shape} and type {labels.dtype}",
            f"save {windows} integers, a class index a window",
        )
    return labels.astype(np.int64)
