"""Float models over windows: that they answer numbers, and the proof that both forms agree."""

import numpy as np

from converter.reading.source import FloatReference
from converter.reading.windows import FloatArray, Windows
from midfuse.core.errors import CheckFailed, InputError
from midfuse.core.progress import SILENT, Progress

# Relative to the largest output: a quarter of the step that int8 gives it. Float models compute the
# same sums in another order, which costs most where they cancel, as in a LayerNorm over hardly any
# variance; more than this is another model.
_TOLERANCE = 1e-3


def run_all(
    model: FloatReference, windows: Windows, name: str = "", progress: Progress = SILENT
) -> list[FloatArray]:
    """A float model's outputs for all windows, (N, *shape) each, `name` beside the bar."""
    rows = []
    with progress.task(name, len(windows)) as task:
        for at in range(len(windows)):
            rows.append([values.copy() for values in model.run(windows.window(at))])
            task.advance()
    return [np.stack(column) for column in zip(*rows, strict=True)]


def check_answers(given: list[FloatArray], where: str) -> None:
    """Look at what the model given makes of calibration windows, (N, *shape) each output.

    Raises:
        InputError: NaN or infinity.
    """
    if not all(np.isfinite(values).all() for values in given):
        raise InputError(
            f"{where}: answers NaN or infinity on a calibration window",
            "train it again, or look for windows that it was not made for",
        )


def prove_equal(given: list[FloatArray], lowered: list[FloatArray], where: str) -> float:
    """The largest difference between the outputs of the model given and of its float `.tflite`.

    Both are arrays (N, *shape), an output each; `where` names the model in errors.

    Raises:
        CheckFailed: other shapes, or a difference that is no rounding.
    """
    shapes = [[values.shape[1:] for values in outputs] for outputs in (given, lowered)]
    if shapes[0] != shapes[1]:
        raise CheckFailed(
            f"{where}: outputs are {shapes[0]}, as TFLite {shapes[1]}",
            "onnx2tf lowered it wrongly; change the last op of the model",
        )
    worst, span = _difference(given, lowered), max(float(np.abs(v).max()) for v in given)
    if not worst <= _TOLERANCE * span:
        raise CheckFailed(
            f"{where}: the float TFLite output differs by up to {worst:.3g}, of outputs up to"
            f" {span:.3g}",
            "onnx2tf probably swapped axes: add explicit reshapes",
        )
    return worst


def _difference(a: list[FloatArray], b: list[FloatArray]) -> float:
    """The largest; np.max, unlike max, carries a NaN to the verdict."""
    return float(np.max([np.abs(x - y).max() for x, y in zip(a, b, strict=True)]))
