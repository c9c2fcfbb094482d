"""Tensors found in another form of the same model by the values that they hold.

Reshapes and transposes change the order of values only, so order does not count.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from converter.lowering.float_model import FloatModel
from converter.reading.windows import FloatArray, Windows
from midfuse.core.tflite_file import TFLiteModel

# Two calibration windows and a shaken one, which keeps apart what happens to be equal on them.
_CALIBRATION_WINDOWS = 2
# Relative; float models compute the same sums in another order. Where they cancel, as in a
# LayerNorm over hardly any variance, rounding grows.
CLOSE, LOOSE = 1e-4, 1e-2

Print = npt.NDArray[np.float64]


def probes(windows: Windows) -> list[list[FloatArray]]:
    """The windows to run both forms of a model on."""
    chosen = windows.spread(_CALIBRATION_WINDOWS)
    return [chosen.window(at) for at in range(len(chosen))] + [_shaken(chosen)]


def tensor_prints(
    model: TFLiteModel, indices: Iterable[int], inputs: list[list[FloatArray]]
) -> dict[int, Print]:
    """The print of each of these tensors over all windows."""
    interpreter = FloatModel(model)
    runs: dict[int, list[FloatArray]] = {index: [] for index in indices}
    for window in inputs:
        interpreter.run(window)
        for index, parts in runs.items():
            parts.append(interpreter.tensor(index).ravel())
    return {
        index: value_print(np.concatenate(parts).astype(np.float32))
        for index, parts in runs.items()
    }


def value_print(values: FloatArray) -> Print:
    """Figures that do not depend on the order of the values: their number, extremes, means."""
    if values.size == 0:
        return np.zeros(6)
    sizes = np.abs(values)
    return np.array(
        [
            values.size,
            values.min(),
            values.max(),
            values.mean(dtype=np.float64),
            sizes.mean(dtype=np.float64),
            np.sqrt(np.square(sizes, dtype=np.float64).mean()),
        ]
    )


def equal(table: Print, one: Print, tolerance: float) -> npt.NDArray[np.bool_]:
    """Which prints (..., 6) are of the same values as `one`, rounding aside."""
    peak = max(abs(one[1]), abs(one[2]))
    allowed = tolerance * np.array([0, peak, peak, one[4], one[4], one[5]])
    return np.asarray((np.abs(table - one) <= allowed).all(axis=-1))


def _shaken(windows: Windows) -> list[FloatArray]:
    """The first window with noise on it: still like what the model was made for."""
    rng = np.random.default_rng(0)
    return [
        (first + 0.2 * first.std() * rng.standard_normal(first.shape)).astype(np.float32)
        for first in windows.window(0)
    ]
