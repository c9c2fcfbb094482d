"""Three models side by side: the float model as it was given, float TFLite, int8 under TFLM."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from converter.reading.windows import FloatArray
from midfuse.core.results import ConvertAccuracy, CorrectCounts
from midfuse.core.scores import classes

IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Accuracy:
    """Correct windows of `windows`, as counts, so that folds can be pooled."""

    windows: int
    float_model: int
    float_tflite: int
    int8_host: int

    @property
    def drop(self) -> float:
        """What int8 loses against the float model given, in points; negative where it gains."""
        return 100 * (self.float_model - self.int8_host) / self.windows

    def result(self) -> ConvertAccuracy:
        """Fractions, and the counts they come from."""
        counts = asdict(self)
        windows = counts.pop("windows")
        shares = {name: count / windows for name, count in counts.items()}
        return ConvertAccuracy(windows=windows, **shares, correct=CorrectCounts(**counts))


@dataclass(frozen=True)
class Agreement:
    """How far float TFLite and int8 answer what the float model given answers.

    `float_tflite` and `int8_host` count the windows on which they name the same class (None where
    the first output is no row of classes); `sqnr_db` is that of the int8 outputs, the lowest of all
    outputs, None without any error. `held_out` says whether the windows are test windows.
    """

    windows: int
    held_out: bool
    float_tflite: int | None
    int8_host: int | None
    sqnr_db: float | None
    accuracy: Accuracy | None


def compare(
    given: Sequence[FloatArray],
    float_tflite: Sequence[FloatArray],
    int8: Sequence[FloatArray],
    labels: IntArray | None,
    *,
    held_out: bool,
) -> Agreement:
    """Compare outputs, an array (N, *shape) each, int8 ones dequantised; `labels` (N,)."""
    windows = len(given[0])
    ratios = [sqnr(a, b) for a, b in zip(given, int8, strict=True)]
    measured = [ratio for ratio in ratios if ratio is not None]
    lowest = min(measured) if measured else None
    rows = [outputs[0].reshape(windows, -1) for outputs in (given, float_tflite, int8)]
    if not names_classes(given[0].shape[1:]):
        return Agreement(windows, held_out, None, None, lowest, None)
    a, b, c = map(classes, rows)
    accuracy = None
    if labels is not None:
        correct = (int((found == labels).sum()) for found in (a, b, c))
        accuracy = Accuracy(windows, *correct)
    return Agreement(windows, held_out, int((a == b).sum()), int((a == c).sum()), lowest, accuracy)


def names_classes(shape: tuple[int, ...]) -> bool:
    """Whether an output of this shape is a row of class scores: more than one, on its last axis."""
    return bool(shape) and int(np.prod(shape)) == shape[-1] > 1


def sqnr(expected: FloatArray, found: FloatArray) -> float | None:
    """10 log10(sum f^2 / sum (f - q)^2) in dB; None without error or signal."""
    signal = float(np.square(expected, dtype=np.float64).sum())
    error = float(np.square(expected - found, dtype=np.float64).sum())
    return 10 * math.log10(signal / error) if signal > 0 and error > 0 else None
