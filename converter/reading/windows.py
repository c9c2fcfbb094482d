"""Sensor windows for calibration and test: arrays keyed by input name, first axis the window."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.errors import InputError
from midfuse.oracle import read_npz

FloatArray = npt.NDArray[np.float32]


@dataclass(frozen=True)
class InputSpec:
    """One input of the float model: its name and the shape of one window, batch axis 1 in front.

    A `shape` of None is not known beforehand and follows from the calibration windows.
    """

    name: str
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Windows:
    """`inputs` in model order, each (N, *shape of a window) float32; `labels` (N,) where known."""

    inputs: list[FloatArray]
    labels: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def window(self, at: int) -> list[FloatArray]:
        """One window as the float model takes it, batch axis 1 in front."""
        return [values[at : at + 1] for values in self.inputs]

    def spread(self, count: int) -> "Windows":
        """At most `count` windows, evenly spaced, so that they do not all come from one person."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).astype(int)
        labels = None if self.labels is None else self.labels[chosen]
        return Windows([values[chosen] for values in self.inputs], labels)


def read_windows(
    source: Path | Mapping[str, npt.NDArray[Any]], specs: Sequence[InputSpec]
) -> Windows:
    """Check an `.npz` file, or arrays already in memory, against the model's inputs.

    Raises:
        InputError: a missing input, no windows, another shape or type, NaN or infinity; names the
            file and the array.
    """
    arrays = read_npz(source) if isinstance(source, Path) else source
    where = str(source) if isinstance(source, Path) else "arrays given"
    inputs = [_input(arrays, spec, where) for spec in specs]
    counts = {spec.name: len(values) for spec, values in zip(specs, inputs, strict=True)}
    if len(set(counts.values())) != 1:
        listed = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise InputError(
            f"{where}: inputs have different numbers of windows ({listed})",
            "give every input the same windows in the same order",
        )
    return Windows(inputs, _labels(arrays, len(inputs[0]), where))


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
    if values.ndim < 2 or values.size == 0:
        raise InputError(
            f"{where}: {spec.name} has the shape {values.shape}: no windows",
            "save at least one window a row",
        )
    if spec.shape is not None and values.shape[1:] != spec.shape[1:]:
        expected = ", ".join(["N", *map(str, spec.shape[1:])])
        raise InputError(
            f"{where}: {spec.name} has the shape {values.shape}, the model takes ({expected})",
            "cut the windows as the model takes them",
        )
    if not np.isfinite(values).all():
        window = int(np.argwhere(~np.isfinite(values))[0][0])
        raise InputError(
            f"{where}: {spec.name} holds NaN or infinity (first in window {window})",
            "leave such windows out",
        )
    return values


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
